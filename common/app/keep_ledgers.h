#pragma once

#include "common/app/app.h"
#include "common/ledger/ledgers.h"

namespace exporter {

/// Gives the exporter ledgers, in --state.dir, and the collector "ledger" with their state.
/// Exporters that count no events are linked without SQLite.
void keep_ledgers(App& app);

}  // namespace exporter
