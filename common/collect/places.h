#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "common/collect/collector.h"

namespace exporter {

/// Limits how many collectors of a source run at once (Collector::at_once). Collectors are numbered
/// in the order of add(); those without a limit are not counted.
class Places {
 public:
  void add(const Collector& collector) {
    const auto number = numbers_.try_emplace(collector.source, numbers_.size()).first->second;
    sources_.resize(numbers_.size());
    collectors_.push_back({number, collector.at_once});
  }

  bool has_room(std::size_t index) const {
    const auto& [source, most] = collectors_[index];
    return most == 0 || sources_[source].taken < most;
  }
  /// If a source hangs, all of its collectors would hang one after the other.
  bool too_many_hang(std::size_t index) const {
    const auto& [source, most] = collectors_[index];
    return most > 0 && sources_[source].hung > most;
  }

  void take(std::size_t index) { count(index, 1, 0); }
  void give_back(std::size_t index) { count(index, -1, 0); }
  /// The run was given up: its place is free, and it counts as hung until it ends.
  void hang(std::size_t index) { count(index, -1, 1); }
  void end_hung(std::size_t index) { count(index, 0, -1); }

 private:
  struct Source {
    std::size_t taken = 0, hung = 0;
  };
  struct Limited {
    std::size_t source, most;
  };

  void count(std::size_t index, int taken, int hung) {
    const auto& [number, most] = collectors_[index];
    if (most == 0) return;
    sources_[number].taken += static_cast<std::size_t>(taken);
    sources_[number].hung += static_cast<std::size_t>(hung);
  }

  std::map<std::string, std::size_t> numbers_;  // of sources, by name
  std::vector<Source> sources_;
  std::vector<Limited> collectors_;
};

}  // namespace exporter
