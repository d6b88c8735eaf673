#pragma once

#include <algorithm>
#include <optional>

namespace exporter::host::container {

/// Counts the OOM kills of one container, each once, from three incomplete sources: the engine's
/// events (lost while it is unavailable; Podman has none), the engine's flag (one per run), and the
/// counter of the cgroup (which disappears with the run that the kill ended). The number of kills
/// in a run is the maximum of the three.
class Ooms {
 public:
  /// A run is identified by its start; a new one ends the previous one.
  void begin(std::optional<double> started) {
    if (started_ == started) return;
    closed_ += of_this_run();
    events_ = flagged_ = in_cgroup_ = 0;
    started_ = started;
  }

  void event() { ++events_; }
  void flag() { flagged_ = 1; }
  void cgroup(double kills) { in_cgroup_ = std::max(in_cgroup_, kills); }

  double total() const { return closed_ + of_this_run(); }

 private:
  double of_this_run() const { return std::max({events_, flagged_, in_cgroup_}); }

  std::optional<double> started_;
  double closed_ = 0, events_ = 0, flagged_ = 0, in_cgroup_ = 0;
};

}  // namespace exporter::host::container
