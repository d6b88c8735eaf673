#pragma once

#include "common/app/app.h"
#include "common/ledger/ledgers.h"

namespace exporter {

/// Gives the exporter ledgers, below --state.dir, and the collector "ledger", which says how they
/// do. Exporters that do not count do without SQLite.
void keep_ledgers(App& app);

}  // namespace exporter
