// Puts a document into a data tree: an edit with its operations (RFC 6241 section 7.2), or data that is new. Every value
// is checked against its type, everything else is for validation.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "yang_document.h"
#include "yang_fault.h"
#include "yang_value.h"

struct lyd_node;
struct lysc_node;

namespace semrd {

enum class EditOperation { kNone, kMerge, kReplace, kCreate, kDelete, kRemove };

struct TreeDeleter {
  void operator()(lyd_node* tree) const;  // a tree, with its siblings
};
using OwnedTree = std::unique_ptr<lyd_node, TreeDeleter>;

class TreeBuilder {
 public:
  // kEdit takes operations and configuration only; the others take what is new.
  enum class Mode { kEdit, kData, kInput, kOutput };

  TreeBuilder(const ly_ctx* context, const Document& document, Mode mode)
      : context_(context), document_(document), mode_(mode), values_(context, document.format()) {}

  // Does what the children of `holder` say to the children of `parent`, or to the top-level nodes `*top` without one.
  // `schema` is that of `parent`.
  void Apply(const Element& holder, lyd_node* parent, lyd_node** top, EditOperation operation);

  // The container, list entry (with its keys only) or operation that `element` names, below `parent` or alone; null
  // with a fault.
  lyd_node* AddAncestor(const Element& element, const lysc_node* schema, lyd_node* parent);

  ValueReader& values() { return values_; }
  std::vector<YangFault>& faults() { return faults_; }
  // Throws YangFailure when there are faults.
  void Finish(const char* doing);

  // A fault of `name`, a child of `parent`.
  YangFault& Report(const char* tag, std::string message, const lyd_node* parent, std::string_view name,
                    const Element* element = nullptr);

 private:
  // What attributes of an element ask for.
  struct Wish {
    EditOperation operation;
    bool is_default = false;  // with-defaults: the value is that of the model
    const Attribute* insert = nullptr;
    const Attribute* key = nullptr;
    const Attribute* value = nullptr;
  };
  // One level of data under work.
  struct Level {
    lyd_node* parent;
    lyd_node** top;
    const lysc_node* schema;
    OwnedTree scratch;  // like `parent`, with nothing in it: where entries are made before they have a place
    bool has_scratch = false;
    std::vector<const lysc_node*> seen;
    std::unordered_set<const lyd_node*> entries;  // of lists, that an edit has brought or gone into

    lyd_node* first() const;
  };

  void One(const Element& element, Level& level, EditOperation inherited);
  bool ReadWish(const Element& element, const Level& level, Wish& wish);
  const lysc_node* SchemaOf(const Element& element, const Level& level);
  bool RightForm(const Element& element, const lysc_node* schema, const Level& level);
  bool MarkSeen(const Element& element, const lysc_node* schema, Level& level);

  void Inner(const Element& element, const lysc_node* schema, Level& level, const Wish& wish);
  void Leaf(const Element& element, const lysc_node* schema, Level& level, const Wish& wish);
  void LeafListEntry(const Element& element, const lysc_node* schema, Level& level, const Wish& wish);
  void Any(const Element& element, const lysc_node* schema, Level& level, const Wish& wish);

  // Entries with the keys or value of `element`, in scratch; null with a fault when they are wrong.
  OwnedTree NewEntry(const Element& element, const lysc_node* schema, Level& level);
  OwnedTree NewLeaf(const Element& element, const lysc_node* schema, Level& level);
  lyd_node* Insert(OwnedTree node, const lysc_node* schema, Level& level);
  void Remove(lyd_node* node, Level& level);
  void EvictOtherCases(const lysc_node* schema, Level& level);
  lyd_node* Scratch(Level& level);
  // Whether the document has had this entry before; reports that.
  bool StandsTwice(const lyd_node* entry, const Element& element, const Level& level);
  // Whether to go on with a node that is `there`; reports data-exists and data-missing.
  bool Allowed(const Wish& wish, bool there, const Element& element, const Level& level,
               const lyd_node* entry = nullptr);
  // Puts an entry of a user-ordered list where it is wished to be; false when it is gone, with a fault.
  bool Place(lyd_node* entry, bool is_new, const Element& element, Level& level, const Wish& wish);
  lyd_node* Neighbour(const Element& element, const lysc_node* schema, Level& level, const Wish& wish);
  void ReportKeys(const Element& element, const lysc_node* schema, const char* const* keys, Level& level);
  void ReportValue(const Element& element, const Level& level, std::string_view name);

  const ly_ctx* context_;
  const Document& document_;
  Mode mode_;
  ValueReader values_;
  std::vector<YangFault> faults_;
  size_t unsaid_ = 0;  // faults beyond the bound
};

// Data path of `parent`, "" without one.
std::string PathOf(const lyd_node* parent);
// What the data path of `child`, which stands alone, is below `parent`.
std::string PathOf(const lyd_node* parent, const lyd_node* child);

}  // namespace semrd
