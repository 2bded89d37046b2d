#include "bpf_map.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <climits>

#include "bpf_layout.h"
#include "promise_work.h"

namespace semrd {

namespace {

// Of what one batch copies out of the kernel.
constexpr size_t kSumsBufferOctets = 1 << 18;

// Of a mapped array at a time: some hundred microseconds.
constexpr size_t kMappedPiece = 4 << 20;

// The value area of a mapped array: the kernel rounds each value up to 8 octets.
size_t MappedSize(const MapShape& shape) {
  return (static_cast<size_t>(shape.value_size) + 7) / 8 * 8 * shape.max_entries;
}

}  // namespace

MappedArea::MappedArea(int fd, const MapShape& shape, size_t piece) : octets_(MappedSize(shape)) {
  void* reserved = mmap(nullptr, octets_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) ThrowErrno("mmap", shape.name);
  start_ = static_cast<uint8_t*>(reserved);
  int protection = PROT_READ | ((shape.flags & BPF_F_RDONLY) != 0 ? 0 : PROT_WRITE);
  for (size_t at = 0; at < octets_; at += piece) {
    size_t length = std::min(piece, octets_ - at);
    if (mmap(start_ + at, length, protection, MAP_SHARED | MAP_FIXED, fd, static_cast<off_t>(at)) != MAP_FAILED) continue;
    int number = errno;
    munmap(start_, octets_);
    throw SystemCallFailure(number, "mmap", shape.name);
  }
}

MappedArea::~MappedArea() {
  if (start_ != nullptr) munmap(start_, octets_);
}

std::vector<BpfMap::PropertyDescriptor> BpfMap::Properties(Napi::Env env) {
  return {
      Method<&BpfMap::Lookup>("lookup"),     Method<&BpfMap::Update>("update"),
      Method<&BpfMap::Delete>("delete"),     Method<&BpfMap::NextKey>("nextKey"),
      Method<&BpfMap::Mmap>("mmap"),         Method<&BpfMap::UpdateBatch>("updateBatch"),
      Method<&BpfMap::Sums>("sums"),         Method<&BpfMap::Mapped>("mapped"),
      Method<&BpfMap::PinAt>("pin"),         Getter<&BpfMap::GetFd>("fd"),
      Method<&BpfMap::Batch>("batch"),       Getter<&BpfMap::GetLayout>("layout"),
      SymbolMethod<&BpfMap::Dispose>(env, "dispose"),
  };
}

BpfMap::BpfMap(const Napi::CallbackInfo& info) : Wrapped(info) {
  parts_ = std::move(PartsOf<Parts>(info));
  value_size_ = ExchangedValueSize(parts_.shape);
  Napi::Env env = info.Env();
  auto shape = Napi::Object::New(env);
  shape.Set("name", parts_.shape.name);
  shape.Set("type", Napi::Number::New(env, parts_.shape.type));
  shape.Set("keySize", Napi::Number::New(env, parts_.shape.key_size));
  shape.Set("valueSize", Napi::Number::New(env, parts_.shape.value_size));
  shape.Set("maxEntries", Napi::Number::New(env, parts_.shape.max_entries));
  shape.Set("flags", Napi::Number::New(env, parts_.shape.flags));
  shape.Freeze();
  info.This().As<Napi::Object>().DefineProperty(Napi::PropertyDescriptor::Value("info", shape, napi_enumerable));
}

int BpfMap::Fd(Napi::Env env) const {
  if (!*parts_.descriptor) throw Napi::Error::New(env, "the map \"" + parts_.shape.name + "\" is disposed");
  return parts_.descriptor->get();
}

// lookup(key: Uint8Array): Uint8Array | undefined
Napi::Value BpfMap::Lookup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  auto key = Octets(info[0], "key", parts_.shape.key_size);
  auto value = Napi::Uint8Array::New(env, value_size_);
  if (bpf_map_lookup_elem(fd, key.data(), value.Data()) == 0) return value;
  if (errno != ENOENT) ThrowErrno("bpf_map_lookup_elem", parts_.shape.name);
  return env.Undefined();
}

// update(key: Uint8Array, value: Uint8Array, flags?: number): void
Napi::Value BpfMap::Update(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  auto flags = info[2].IsUndefined() ? 0 : Whole(info[2], "flags", BPF_ANY, BPF_EXIST);
  auto key = Octets(info[0], "key", parts_.shape.key_size);
  auto value = Octets(info[1], "value", value_size_);
  if (bpf_map_update_elem(fd, key.data(), value.data(), static_cast<uint64_t>(flags)) != 0)
    ThrowErrno("bpf_map_update_elem", parts_.shape.name);
  return env.Undefined();
}

// delete(key: Uint8Array): boolean
Napi::Value BpfMap::Delete(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  auto key = Octets(info[0], "key", parts_.shape.key_size);
  if (bpf_map_delete_elem(fd, key.data()) == 0) return Napi::Boolean::New(env, true);
  if (errno != ENOENT) ThrowErrno("bpf_map_delete_elem", parts_.shape.name);
  return Napi::Boolean::New(env, false);
}

// nextKey(key?: Uint8Array): Uint8Array | undefined
Napi::Value BpfMap::NextKey(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  const void* key = info[0].IsUndefined() ? nullptr : Octets(info[0], "key", parts_.shape.key_size).data();
  auto next = Napi::Uint8Array::New(env, parts_.shape.key_size);
  if (bpf_map_get_next_key(fd, key, next.Data()) == 0) return next;
  if (errno != ENOENT) ThrowErrno("bpf_map_get_next_key", parts_.shape.name);
  return env.Undefined();
}

// updateBatch(keys: Uint8Array, values: Uint8Array, count: number): Promise<number>
Napi::Value BpfMap::UpdateBatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  auto count = static_cast<uint32_t>(Whole(info[2], "count", 0, UINT32_MAX));
  auto keys = Octets(info[0], "keys", static_cast<size_t>(count) * parts_.shape.key_size);
  auto values = Octets(info[1], "values", static_cast<size_t>(count) * value_size_);

  // The caller may change or detach its arrays while the worker runs, and may dispose the map: it gets copies.
  struct Batch {
    Descriptor descriptor;
    std::vector<uint8_t> keys, values;
  };
  auto batch = std::make_shared<Batch>(
      Batch{Descriptor::Duplicate(fd), {keys.begin(), keys.end()}, {values.begin(), values.end()}});
  return PromiseWork<uint32_t>::Start(
      env, "semrd.bpf.updateBatch",
      [batch, count, name = parts_.shape.name]() -> uint32_t {
        if (count == 0) return 0;
        uint32_t written = count;
        if (bpf_map_update_batch(batch->descriptor.get(), batch->keys.data(), batch->values.data(), &written,
                                 nullptr) == 0)
          return written;
        // EFAULT: the kernel did not say how many.
        std::string progress = errno == EFAULT ? "" : " after " + std::to_string(written) + " entries";
        ThrowErrno("bpf_map_update_batch", name + progress);
      },
      [](Napi::Env on, uint32_t& written) { return Napi::Number::New(on, written); });
}

// sums(first: number, count: number): BigUint64Array
Napi::Value BpfMap::Sums(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  const MapShape& shape = parts_.shape;
  if ((shape.type != BPF_MAP_TYPE_ARRAY && shape.type != BPF_MAP_TYPE_PERCPU_ARRAY) || shape.value_size % 8 != 0)
    throw SystemCallFailure(EINVAL, "bpf_map_lookup_batch", shape.name + " is not an array of 64-bit words");
  auto first = static_cast<uint32_t>(Whole(info[0], "first", 0, shape.max_entries - 1));
  auto count = static_cast<uint32_t>(Whole(info[1], "count", 0, shape.max_entries - first));

  size_t words = shape.value_size / 8, copies = value_size_ / shape.value_size;
  auto sums = Napi::BigUint64Array::New(env, count * words);
  auto step = static_cast<uint32_t>(std::max<size_t>(1, kSumsBufferOctets / value_size_));
  std::vector<uint64_t> values(std::min(step, count) * value_size_ / 8);
  std::vector<uint32_t> keys(std::min(step, count));
  for (uint32_t done = 0; done < count;) {
    // A batch begins behind the key that it is given, and without one at the beginning.
    uint32_t before = first + done - 1, last = 0, got = std::min(step, count - done);
    void* behind = first + done == 0 ? nullptr : &before;
    // ENOENT: the end of the array was reached
    if (bpf_map_lookup_batch(fd, behind, &last, keys.data(), values.data(), &got, nullptr) != 0 && errno != ENOENT)
      ThrowErrno("bpf_map_lookup_batch", shape.name);
    if (got == 0) throw SystemCallFailure(ENOENT, "bpf_map_lookup_batch", shape.name);
    for (uint32_t entry = 0; entry < got; entry++)
      for (size_t copy = 0; copy < copies; copy++)
        for (size_t word = 0; word < words; word++)
          sums[(done + entry) * words + word] += values[(entry * copies + copy) * words + word];
    done += got;
  }
  return sums;
}

void BpfMap::RequireMappable() const {
  if ((parts_.shape.flags & BPF_F_MMAPABLE) == 0 || parts_.shape.type != BPF_MAP_TYPE_ARRAY)
    throw SystemCallFailure(EINVAL, "mmap", parts_.shape.name + " is not an array with BPF_F_MMAPABLE");
}

// The array that unmaps the area when nobody holds it any more.
Napi::Value BpfMap::MadeOf(Napi::Env env, MappedArea& area) {
  auto unmap = [](Napi::Env, void* data, void* size) { munmap(data, reinterpret_cast<size_t>(size)); };
  auto buffer = Napi::ArrayBuffer::New(env, area.start(), area.octets(), unmap, reinterpret_cast<void*>(area.octets()));
  area.Release();
  auto octets = Napi::Uint8Array::New(env, buffer.ByteLength(), buffer, 0);
  if (*parts_.descriptor) mapping_ = Napi::Persistent(octets);
  return octets;
}

// mmap(): Uint8Array
Napi::Value BpfMap::Mmap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  if (!mapping_.IsEmpty()) return mapping_.Value();
  RequireMappable();
  MappedArea area(fd, parts_.shape, MappedSize(parts_.shape));
  return MadeOf(env, area);
}

// mapped(): Promise<Uint8Array>
Napi::Value BpfMap::Mapped(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  RequireMappable();
  // The map may be disposed, and collected but for this, while the worker runs.
  auto descriptor = std::make_shared<Descriptor>(Descriptor::Duplicate(fd));
  auto self = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info.This().As<Napi::Object>()));
  bool is_there = !mapping_.IsEmpty();
  return PromiseWork<std::shared_ptr<MappedArea>>::Start(
      env, "semrd.bpf.mapped",
      [descriptor, is_there, shape = parts_.shape] {
        return is_there ? nullptr : std::make_shared<MappedArea>(descriptor->get(), shape, kMappedPiece);
      },
      [this, self](Napi::Env on, std::shared_ptr<MappedArea>& area) -> Napi::Value {
        if (!mapping_.IsEmpty()) return mapping_.Value();
        if (!area) throw Napi::Error::New(on, "the map \"" + parts_.shape.name + "\" is disposed");
        return MadeOf(on, *area);
      });
}

// pin(path: string): void
Napi::Value BpfMap::PinAt(const Napi::CallbackInfo& info) {
  int fd = Fd(info.Env());
  Pin(fd, Text(info[0], "path", PATH_MAX));
  return info.Env().Undefined();
}

Napi::Value BpfMap::GetFd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Fd(info.Env())); }

// layout: { key: RecordMember[], value: RecordMember[] } | undefined
Napi::Value BpfMap::GetLayout(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto layout = LayoutOfMap(Fd(env));
  if (!layout) return env.Undefined();
  auto list = [&](const RecordLayout& members) {
    auto made = Napi::Array::New(env, members.size());
    for (uint32_t i = 0; i < members.size(); i++) {
      auto member = Napi::Object::New(env);
      member.Set("name", members[i].name);
      member.Set("offset", Napi::Number::New(env, members[i].offset));
      member.Set("size", Napi::Number::New(env, members[i].size));
      made.Set(i, member);
    }
    return made;
  };
  auto result = Napi::Object::New(env);
  result.Set("key", list(layout->key));
  result.Set("value", list(layout->value));
  return result;
}

// batch(cursor: Uint8Array | undefined, count: number): { keys, values, count, cursor? }
Napi::Value BpfMap::Batch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int fd = Fd(env);
  // What a hash goes on from is the number of a bucket, what an array goes on from a key: neither is longer than this.
  std::vector<uint8_t> behind(std::max<size_t>(parts_.shape.key_size, sizeof(uint32_t)));
  void* from = nullptr;
  if (!info[0].IsUndefined()) {
    auto cursor = Octets(info[0], "cursor", behind.size());
    std::copy(cursor.begin(), cursor.end(), behind.begin());
    from = behind.data();
  }
  auto room = static_cast<uint32_t>(Whole(info[1], "count", 1, 1 << 20));
  std::vector<uint8_t> next(behind.size());
  auto keys = Napi::Uint8Array::New(env, static_cast<size_t>(room) * parts_.shape.key_size);
  auto values = Napi::Uint8Array::New(env, static_cast<size_t>(room) * value_size_);
  uint32_t got = room;
  bool ended = false;
  if (bpf_map_lookup_batch(fd, from, next.data(), keys.Data(), values.Data(), &got, nullptr) != 0) {
    if (errno != ENOENT) ThrowErrno("bpf_map_lookup_batch", parts_.shape.name);
    ended = true;
  }
  auto result = Napi::Object::New(env);
  result.Set("keys", keys);
  result.Set("values", values);
  result.Set("count", Napi::Number::New(env, got));
  if (!ended) {
    auto cursor = Napi::Uint8Array::New(env, next.size());
    std::copy(next.begin(), next.end(), cursor.Data());
    result.Set("cursor", cursor);
  }
  return result;
}

Napi::Value BpfMap::Dispose(const Napi::CallbackInfo& info) {
  parts_.descriptor->Close();
  mapping_.Reset();  // the array itself stays valid for whoever holds it
  return info.Env().Undefined();
}

}  // namespace semrd
