#pragma once

#include "common/ledger/ledger.h"

namespace exporter::airflow {

/// Whether what ended or happened at `time` did so later than the last one known. A time ahead of
/// the server's clock is from when that was wrong, and does not say what came later: then it is
/// what is new, and not what is read again.
inline bool is_later(Ledger::Time time, Ledger::Time last, Ledger::Time now, bool is_new) {
  const auto latest = now + Ledger::kMaxAhead;
  if (time <= latest && last <= latest) return time > last;
  return is_new && (time > last || time <= latest);
}

}  // namespace exporter::airflow
