#pragma once

#include <vector>

#include "common/ledger/migration.h"
#include "common/ledger/series.h"
#include "common/ledger/store.h"

namespace exporter::ledger {

/// Applies the migrations that were not yet applied to the file, in order and in one transaction.
/// The book and the state must match the file, and still do afterwards. Throws Error{internal} for
/// an invalid migration.
void apply(const std::vector<Migration>& migrations, Store& store, State& state, Book& book);

}  // namespace exporter::ledger
