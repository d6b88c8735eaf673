#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/clock.h"
#include "common/base/text.h"
#include "exporters/host/open_file.h"

namespace exporter::host {

/// Reads the small files below one directory (/proc, /sys or a copy of them). Descriptors of files
/// that the kernel generates stay open between runs, which halves the cost of a read. If a device
/// is gone, its files are opened again; files that are no longer read are closed as others are
/// opened later. Not thread-safe: each collector has its own.
class Files {
 public:
  /// The kind of files. In sys a single read returns an attribute, and one that fails (EACCES, EIO,
  /// EINVAL of a link that is down) counts as absent; in proc that is an error. Running out of
  /// descriptors is an error in both.
  enum class Tree { proc, sys };

  /// `unused_after`: how long a file that is not read may stay open.
  Files(std::string root, Tree tree, Clock::duration unused_after = std::chrono::minutes(5));

  /// The whole content, up to 64 MiB; nothing if the file is absent. The text is valid until the
  /// next call of a function that reads. Throws Error{io} with the path.
  std::optional<std::string_view> read(std::string_view path);
  /// As read(), but also returns nothing if the file is empty or blank, which is logged once: a
  /// container runtime masks a file with /dev/null, and LXCFS has no content for a controller that
  /// the host lacks.
  std::optional<std::string_view> read_filled(std::string_view path);
  /// As read(), for short-lived files (of a process): keeps no descriptor.
  std::optional<std::string_view> read_once(std::string_view path);
  /// The content without surrounding blanks; the same rules.
  std::optional<std::string_view> line(std::string_view path);
  /// The content as a decimal number; nothing if the file is absent or empty. Throws Error{decode}
  /// with the path for anything else.
  std::optional<double> number(std::string_view path);

  /// The names in a directory, sorted, without "." and ".."; empty when it is absent.
  std::vector<std::string> list(std::string_view directory) const;
  /// The target of a symbolic link; nothing if it is absent or not a link.
  std::optional<std::string> link(std::string_view path) const;
  bool exists(std::string_view path) const;

  /// The full path, for messages and for calls that take one.
  std::string path(std::string_view relative) const;

 private:
  enum class Keep { no, yes };
  struct Kept {
    OpenFile file;
    bool asked;  ///< since the last close_unused()
  };
  std::optional<std::string_view> open_and_read(const std::string& full, Keep keep);
  bool fill(int descriptor, int& error);
  bool is_unreadable(int error) const;
  bool make_room();
  void close_unused();

  std::string root_;
  Tree tree_;
  std::string buffer_;
  std::unordered_map<std::string, Kept> open_;
  std::unordered_set<std::string> empty_;  ///< logged already
  Clock::duration unused_after_;
  Clock::time_point closed_unused_ = Clock::now();
  std::size_t reads_ = 0;  // since then
};

/// Iterates over the lines of a text and keeps its position, for errors like "path:line: what".
class Lines {
 public:
  Lines(std::string path, std::string_view text) : path_(std::move(path)), rest_(text) {}

  /// The next line without its newline; false at the end. Skips blank lines and zero bytes.
  bool next(std::string_view& line);
  /// The number in `text`, or fail().
  double number(std::string_view text) const;
  std::uint64_t integer(std::string_view text, int base = 10) const;
  /// Throws Error{decode}: "path:line: why".
  [[noreturn]] void fail(std::string_view why) const;

 private:
  bool next_of_any(std::string_view& line);

  std::string path_;
  std::string_view rest_;
  std::size_t number_ = 0;
};

}  // namespace exporter::host
