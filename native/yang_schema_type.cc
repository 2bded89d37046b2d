#include "yang_schema_type.h"

#include <libyang/libyang.h>

#include <set>
#include <vector>

#include "yang_json_object.h"

namespace semrd {

namespace {

// By LY_DATA_TYPE.
constexpr const char* kTypeNames[LY_DATA_TYPE_COUNT] = {
    "unknown", "binary", "uint8",       "uint16",              "uint32",  "uint64", "string", "bits",  "boolean", "decimal64",
    "empty",   "enumeration", "identityref", "instance-identifier", "leafref", "union",  "int8",   "int16", "int32",   "int64"};

std::string Decimal(int64_t value, uint8_t digits) {
  uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string text = std::to_string(size);
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  text.insert(text.size() - digits, ".");
  while (text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
  return (value < 0 ? "-" : "") + text;
}

// Data has identities of modules that are in use (`implemented`, RFC 7950 section 5.6.5); of those that others only
// import it has none.
void Derived(const lysc_ident* base, std::set<std::string>& names) {
  LY_ARRAY_COUNT_TYPE i;
  LY_ARRAY_FOR(base->derived, i) {
    auto one = base->derived[i];
    if (one->module->implemented) names.insert(one->module->name + (":" + std::string(one->name)));
    Derived(one, names);
  }
}

void Range(const char* name, const lysc_range* range, const lysc_type* type, JsonObject& members,
           uint8_t digits = 0) {
  if (range == nullptr) return;
  bool is_signed = type->basetype >= LY_TYPE_DEC64;
  auto text = [&](int64_t value, uint64_t plain) {
    if (type->basetype == LY_TYPE_DEC64) return Decimal(value, digits);
    return is_signed ? std::to_string(value) : std::to_string(plain);
  };
  std::string& out = members.Named(name);
  out += '[';
  LY_ARRAY_COUNT_TYPE i;
  LY_ARRAY_FOR(range->parts, i) {
    const auto& part = range->parts[i];
    out += i > 0 ? ",[" : "[";
    AppendJsonText(out, text(part.min_64, part.min_u64));
    out += ',';
    AppendJsonText(out, text(part.max_64, part.max_u64));
    out += ']';
  }
  out += ']';
}

}  // namespace

void AppendSchemaType(std::string& out, const lysc_type* type) {
  JsonObject members(out);
  members.Text("base", kTypeNames[type->basetype]);
  switch (type->basetype) {
    case LY_TYPE_STRING: {
      auto string = reinterpret_cast<const lysc_type_str*>(type);
      Range("length", string->length, type, members);
      if (string->patterns == nullptr) break;
      members.Named("patterns") += '[';
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(string->patterns, i) {
        if (i > 0) out += ',';
        JsonObject pattern(out);
        pattern.Text("expression", string->patterns[i]->expr);
        pattern.True("inverted", string->patterns[i]->inverted != 0);
      }
      out += ']';
      break;
    }
    case LY_TYPE_BINARY:
      Range("length", reinterpret_cast<const lysc_type_bin*>(type)->length, type, members);
      break;
    case LY_TYPE_DEC64: {
      auto decimal = reinterpret_cast<const lysc_type_dec*>(type);
      members.Number("fractionDigits", decimal->fraction_digits);
      Range("range", decimal->range, type, members, decimal->fraction_digits);
      break;
    }
    case LY_TYPE_ENUM: {
      auto enums = reinterpret_cast<const lysc_type_enum*>(type)->enums;
      members.Named("enums") += '[';
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(enums, i) {
        if (i > 0) out += ',';
        JsonObject one(out);
        one.Text("name", enums[i].name);
        one.Text("description", enums[i].dsc);
      }
      out += ']';
      break;
    }
    case LY_TYPE_BITS: {
      auto bits = reinterpret_cast<const lysc_type_bits*>(type)->bits;
      std::vector<std::string> names;
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(bits, i) names.push_back(bits[i].name);
      members.Texts("bits", names);
      break;
    }
    case LY_TYPE_IDENT: {
      auto bases = reinterpret_cast<const lysc_type_identityref*>(type)->bases;
      std::set<std::string> names;
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(bases, i) Derived(bases[i], names);
      members.Texts("identities", {names.begin(), names.end()});
      break;
    }
    case LY_TYPE_LEAFREF: {
      auto leafref = reinterpret_cast<const lysc_type_leafref*>(type);
      members.Text("path", lyxp_get_expr(leafref->path));
      AppendSchemaType(members.Named("target"), leafref->realtype);
      break;
    }
    case LY_TYPE_UNION: {
      auto types = reinterpret_cast<const lysc_type_union*>(type)->types;
      members.Named("union") += '[';
      LY_ARRAY_COUNT_TYPE i;
      LY_ARRAY_FOR(types, i) {
        if (i > 0) out += ',';
        AppendSchemaType(out, types[i]);
      }
      out += ']';
      break;
    }
    case LY_TYPE_INT8:
    case LY_TYPE_INT16:
    case LY_TYPE_INT32:
    case LY_TYPE_INT64:
    case LY_TYPE_UINT8:
    case LY_TYPE_UINT16:
    case LY_TYPE_UINT32:
    case LY_TYPE_UINT64:
      Range("range", reinterpret_cast<const lysc_type_num*>(type)->range, type, members);
      break;
    default:
      break;
  }
}

}  // namespace semrd
