#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace exporter::host {

/// The folders that a glob(7) pattern names; the pattern itself when it names none.
std::vector<std::string> matching_folders(const std::string& pattern);

/// The paths of a folder's entries that end in ".prom", sorted. Throws Error{io} with the path.
std::vector<std::string> prom_files(const std::string& folder);

/// A file's whole content and when it was last changed, in seconds since 1970.
struct TextFile {
  std::string text;
  std::int64_t changed;
};

/// Reads a regular file of at most `limit` bytes; never waits for a pipe's or a device's other end.
/// Throws Error{io} with the path, also when the file changes while it is read.
TextFile read_text_file(const std::string& path, std::size_t limit);

}  // namespace exporter::host
