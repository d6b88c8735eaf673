#pragma once

#include <algorithm>
#include <optional>

namespace exporter::host::container {

/// Counts the out-of-memory kills of one container, each once, from three sources of which none
/// sees all: the engine's events (lost while it is away; Podman has none), the engine's flag (one a
/// run), and the counter of the cgroup (gone with the run that the kill ended). The kills of one
/// run are the most that any of them saw.
class Ooms {
 public:
  /// A run is known by when it began; a new one closes the last.
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
