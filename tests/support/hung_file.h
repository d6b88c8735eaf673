#pragma once

#include <string>

/// While one lives, asking for the status of that file in this process takes until its destruction,
/// as on a network file system whose server is away.
class HungFile {
 public:
  explicit HungFile(std::string path);
  /// Returns when no such call is under way any more.
  ~HungFile();
  HungFile(const HungFile&) = delete;
  HungFile& operator=(const HungFile&) = delete;
};
