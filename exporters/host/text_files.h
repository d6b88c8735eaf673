#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace exporter::host {

/// The directories that match a glob(7) pattern; the pattern itself if none does.
std::vector<std::string> matching_directories(const std::string& pattern);

/// The paths of the entries of a directory that end in ".prom", sorted. Throws Error{io} with the
/// path.
std::vector<std::string> prom_files(const std::string& directory);

/// A file's whole content and when it was last changed, in seconds since 1970.
struct TextFile {
  std::string text;
  std::int64_t changed;
};

/// Reads a regular file of at most `limit` bytes; never blocks on a pipe or a device. Throws
/// Error{io} with the path, also if the file changes while it is read.
TextFile read_text_file(const std::string& path, std::size_t limit);

}  // namespace exporter::host
