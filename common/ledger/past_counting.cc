#include "common/ledger/past_counting.h"

#include <algorithm>
#include <utility>

namespace exporter {
namespace {

using std::chrono::seconds;

Ledger::Options past_options() {
  Ledger::Options options;
  options.retention = std::chrono::hours(24 * 36'500);
  return options;
}

}  // namespace

/// A range that ended where this one starts may have a sample of that time, so new series start at
/// 0 a second later.
PastCounting::PastCounting(Time from, seconds step)
    : step_(step), at_(from), shown_(from + seconds(1)), ledger_("past", {}, {}, from) {}

void PastCounting::advance(Time until, const Count& count, const Show& show, TimedSamples& page,
                           const Deadline& deadline) {
  while (at_ < until) {
    const Time next(at_.time_since_epoch() / step_ * step_ + step_);
    const Time by = std::min(next, until);
    auto run = ledger_.begin(deadline, past_options(), by);
    count(run, by);
    run.commit();
    at_ = by;
    Samples samples;
    show(ledger_, at_, samples);
    page.add(std::move(samples), at_, shown_);
    shown_ = at_;
  }
}

void PastCounting::end(const Show& show, TimedSamples& page) const {
  Samples samples;
  show(ledger_, at_, samples);
  page.add_reset(std::move(samples), at_ + seconds(1));
}

}  // namespace exporter
