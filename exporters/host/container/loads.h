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

/// The load of containers: their number of running tasks, smoothed over ten seconds by cAdvisor's
/// formula, in thousandths as in cAdvisor. Sampled every 5 s by a thread of its own.
class Loads {
 public:
  struct Watched {
    std::string id;
    std::vector<std::string> lists;  ///< paths of the files that list its tasks
  };

  explicit Loads(const Host& host) : proc_(host.proc()), lists_("/", Files::Tree::proc) {}

  /// Sets the containers; the first call starts the thread.
  void watch(std::vector<Watched> containers);
  /// Nothing if its tasks were not counted last time: more than 10,000 precede it or it has more,
  /// or its list cannot be read.
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
