#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/collect/runner.h"

/// Shared by the tests of the Runner.
namespace runner_fixture {

using namespace std::chrono_literals;

constexpr auto kRun = exporter::gauge("demo_run", "The number of the run.");
inline const std::string kHeader =
    "# HELP demo_run The number of the run.\n# TYPE demo_run gauge\n";

/// A gate that a collector waits at until the test opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// Throws at a timeout, because Catch2's checks work only in the main thread.
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    if (!changed_.wait_for(lock, 60s, [&] { return open_; })) throw std::runtime_error("closed");
  }
  void wait_for_arrivals(int count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 60s, [&] { return arrived_ >= count; })) {
      throw std::runtime_error("nobody came");
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

/// Counts failures as the app does.
class Failures {
 public:
  exporter::Runner::Options options(std::string source_label = {}) {
    return {std::move(source_label),
            [this](const exporter::Collector& collector, exporter::Reason reason) {
              const std::lock_guard lock(mutex_);
              ++counts_[collector.name + ' ' + std::string(to_string(reason))];
            }};
  }
  std::map<std::string, int> counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> counts_;
};

inline exporter::Runner::Options uncounted(std::string source_label = {}) {
  return {std::move(source_label), [](const exporter::Collector&, exporter::Reason) {}};
}

inline exporter::Collector on_scrape(std::string name, exporter::CollectFunction collect) {
  return {.name = std::move(name), .collect = std::move(collect)};
}

inline exporter::Collector in_background(std::string name, exporter::Every every,
                                         exporter::CollectFunction collect) {
  return {.name = std::move(name), .schedule = every, .collect = std::move(collect)};
}

using Count = std::shared_ptr<std::atomic<int>>;
inline Count count() { return std::make_shared<std::atomic<int>>(0); }

/// Adds the number of the run.
inline exporter::CollectFunction numbered(Count runs) {
  return
      [runs](exporter::Samples& samples, const exporter::Deadline&) { samples.add(kRun, ++*runs); };
}

inline exporter::Clock::time_point soon() { return exporter::Clock::now() + 60s; }

inline std::string page(const exporter::Runner::View& view) {
  return view.snapshot ? view.snapshot->page(exporter::Format::text) : "";
}

/// Waits until the condition holds; false after a minute.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto give_up = soon();
  while (!condition()) {
    if (exporter::Clock::now() > give_up) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

inline const std::vector<std::size_t> kFirst = {0};

}  // namespace runner_fixture
