#pragma once

#include <string>

/// During its lifetime a stat of that file in this process hangs until its destruction, as on a
/// network file system whose server is unavailable.
class HungFile {
 public:
  explicit HungFile(std::string path);
  /// Returns when no such call is in progress.
  ~HungFile();
  HungFile(const HungFile&) = delete;
  HungFile& operator=(const HungFile&) = delete;
};
