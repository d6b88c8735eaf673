#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The tree that Yaml points into: the values of a document, each with its position in the text.
namespace exporter::yaml_tree {

constexpr std::size_t kMaxBytes = 16 << 20;

struct Document;

/// Whose document it is. Another program's may have application tags and duplicate keys.
enum class Strictness { own, foreign };

struct Node {
  enum class Kind { null, scalar, sequence, map };

  Kind kind = Kind::null;
  const Document* document = nullptr;
  const Node* parent = nullptr;
  std::size_t offset = 0;      ///< in the document's text
  std::size_t index = 0;       ///< among the children of its parent
  std::string key;             ///< when its parent is a map
  std::size_t key_offset = 0;  ///< in the document's text
  std::string text;            ///< of a scalar
  bool plain = false;          ///< a scalar without quotes
  std::string tag;             ///< of a scalar of a foreign document: "!env"
  std::vector<std::unique_ptr<Node>> children;

  mutable bool known = false;              ///< its key was read
  mutable bool quotable = true;            ///< its text may appear in an error
  mutable std::vector<std::string> asked;  ///< the keys read from it
};

struct Document {
  std::string origin;
  std::string directory;
  Strictness strictness = Strictness::own;
  std::string text;
  std::unique_ptr<Node> root;
  /// If it was made of flags: their names by path, which errors show instead of a position.
  std::map<std::string, std::string, std::less<>> flags;
};

/// Parses `text`, which may begin with a byte order mark. An empty document is an empty map.
std::shared_ptr<const Document> parse(std::string_view text, std::string origin,
                                      std::string directory,
                                      Strictness strictness = Strictness::own);

/// "origin:line:column: path", or the flag.
std::string where(const Document& document, std::size_t offset, std::string_view path);

/// "origin:line:column", both from 1, columns in characters.
std::string position(const Document& document, std::size_t offset);

/// "targets[1].url"; empty for the root.
std::string path_of(const Node& node);

/// Throws Error{config} "origin:line:column: path: why" for the place `offset`, or "--flag: why".
[[noreturn]] void fail(const Document& document, std::size_t offset, std::string_view path,
                       std::string_view why);

}  // namespace exporter::yaml_tree
