#pragma once

#include <vector>

#include "common/ledger/migration.h"
#include "common/ledger/series.h"
#include "common/ledger/store.h"

namespace exporter::ledger {

/// Applies the migrations that the file has not seen, in their order, in one transaction; the book
/// and the state are those of the file, before and after. Throws Error{internal} for a migration
/// that cannot be.
void apply(const std::vector<Migration>& migrations, Store& store, State& state, Book& book);

}  // namespace exporter::ledger
