#include "common/collect/history.h"

namespace exporter {

void History::add(RunRecord run) {
  runs_.push_back(std::move(run));
  if (runs_.size() <= kRuns) return;
  if (!runs_.front().success) {
    failures_.push_back(std::move(runs_.front()));
    if (failures_.size() > kFailures) failures_.pop_front();
  }
  runs_.pop_front();
}

std::vector<RunRecord> History::runs() const {
  std::vector<RunRecord> all(runs_.rbegin(), runs_.rend());
  all.insert(all.end(), failures_.rbegin(), failures_.rend());
  return all;
}

}  // namespace exporter
