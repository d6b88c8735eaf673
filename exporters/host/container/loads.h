#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/deadline.h"
#include "exporters/host/module.h"

namespace exporter::host::container {

/// The load of containers: how many of their tasks run, smoothed over ten seconds with cAdvisor's
/// formula, in thousandths as there. Looked at every 5 s in a thread of its own.
class Loads {
 public:
  struct Watched {
    std::string id;
    std::vector<std::string> lists;  ///< paths of the files that list its tasks
  };

  explicit Loads(const Host& host) : proc_(host.proc()), lists_("/", Files::Tree::proc) {}

  /// Says which containers there are; the first call starts the thread.
  void watch(std::vector<Watched> containers);
  /// Nothing for one whose tasks were not counted the last time: there are more than 10,000 before
  /// or within it, or its list cannot be read.
  std::optional<double> of(std::string_view id) const;

  /// Counts the tasks of `containers`, `elapsed` after the last time.
  void sample(const std::vector<Watched>& containers, std::chrono::duration<double> elapsed,
              const std::stop_token& stop = {});

 private:
  void run(const std::stop_token& stop);
  std::optional<double> count(const Watched& container, std::size_t& budget,
                              const std::stop_token& stop);
  bool runs(std::string_view task);

  Files proc_, lists_;
  mutable std::mutex mutex_;
  std::vector<Watched> watched_{};
  std::map<std::string, double, std::less<>> loads_{};
  std::jthread thread_{};
};

}  // namespace exporter::host::container
