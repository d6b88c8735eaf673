#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace exporter::testing {

/// Captures what is written to standard error.
class CaughtLog {
 public:
  explicit CaughtLog(const std::string& path) : path_(path), saved_(::dup(STDERR_FILENO)) {
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(fd, STDERR_FILENO);
    ::close(fd);
  }
  CaughtLog(const CaughtLog&) = delete;
  CaughtLog& operator=(const CaughtLog&) = delete;
  ~CaughtLog() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }
  /// The lines that contain `part`, each from there on.
  std::vector<std::string> lines(const std::string& part) const {
    std::ifstream in(path_);
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);) {
      if (const auto at = line.find(part); at != std::string::npos)
        found.push_back(line.substr(at));
    }
    return found;
  }

 private:
  std::string path_;
  int saved_;
};

}  // namespace exporter::testing
