#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/secret.h"

namespace exporter {

namespace yaml_tree {
struct Node;
}

/// A value in a YAML document. Every failure is an Error{config} that reads "file:line:column:
/// path: what is wrong", e.g. "a.yml:3:5: targets[1].url: expected a string". Cheap to copy. Not
/// thread-safe, because the document records which keys were read, for finish(). Errors quote a
/// value that is not a number, a boolean or a duration if one is expected, truncated to 40 bytes;
/// never one that was read as a secret or that has an anchor.
class Yaml {
 public:
  /// Reads and parses a file of at most 16 MiB, 64 levels and 1 MiB per value; a FIFO, as from
  /// process substitution, within 30 s. Rejects duplicate keys, aliases that expand without bound,
  /// more than one document, and what yaml-cpp would silently ignore. An empty file is an empty
  /// map.
  static Yaml load_file(const std::string& path);
  /// The same for another program's file: scalars may have application tags, see tag(), and of
  /// duplicate keys required() and optional() return the last.
  static Yaml load_foreign_file(const std::string& path);
  /// The same from text; `origin` replaces the file's name.
  static Yaml parse(std::string_view text, std::string origin);

  /// The value of a flag that replaces a key.
  struct FlagValue {
    std::string key, text;
    std::string origin;  ///< what errors call it: "--target.path"
  };
  /// A map made of flags' values, so that one function reads a source from a file and from flags. A
  /// flag with an empty text is absent.
  static Yaml from_flags(const std::vector<FlagValue>& flags);

  bool is_map() const;
  bool is_sequence() const;
  bool is_empty() const;  ///< a map or a sequence without items

  /// The value at `key`; fails when it is missing or null.
  Yaml required(std::string_view key) const;
  /// The value at `key`; nothing when it is missing or null.
  std::optional<Yaml> optional(std::string_view key) const;
  /// Fails at the first key of a map that is not one of these, and suggests the nearest; marks them
  /// as known. Call it before reading keys whose absence, because of a misspelling, would be
  /// reported first.
  void expect_keys(std::span<const std::string_view> keys) const;
  /// The items of a sequence.
  std::vector<Yaml> items() const;
  /// The keys of a map in order, with their values; marks them as known.
  std::vector<std::pair<std::string, Yaml>> entries() const;

  /// The tag of a scalar, "!env"; empty if it has none.
  std::string tag() const;
  std::string string() const;                  ///< any scalar as text
  double number() const;                       ///< finite, without quotes
  std::int64_t integer() const;                ///< decimal, without quotes
  bool boolean() const;                        ///< true or false, without quotes
  std::chrono::milliseconds duration() const;  ///< "30s", "5m", "1h30m"
  /// The secret at `key`, `key_file` or `key_env`; fails if none or more than one is given. A
  /// file's relative path is relative to the directory of the document.
  SecretSource secret(std::string_view key) const;
  std::optional<SecretSource> optional_secret(std::string_view key) const;

  /// Fails at the first key, here or below, that was never read, and suggests the nearest one that
  /// was.
  void finish() const;

  /// The directory of the file, for relative paths; empty for parse().
  std::string directory() const;
  /// "file:line:column: path", or the flag.
  std::string where() const;
  [[noreturn]] void fail(std::string_view why) const;

 private:
  explicit Yaml(std::shared_ptr<const yaml_tree::Node> node);

  std::shared_ptr<const yaml_tree::Node> node_;  ///< shares the ownership of its document
};

}  // namespace exporter
