#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/sql/dialect.h"
#include "common/sql/table.h"

namespace exporter::sql {

/// Runs a statement in the session; throws Error.
using Execute = std::function<Table(const std::string& statement)>;

/// Makes a session read-only, sets it to UTC and names it, as far as the dialect can, and verifies
/// the settings. Returns those that are not in effect, also because the server refused them, as
/// text for the user.
std::vector<std::string> prepare_session(Dialect dialect, const Execute& execute);

/// Whether the error is the server's reply to a statement, so that the session can continue.
bool is_refusal(const Error& error);

/// Makes PostgreSQL's transaction, which this starts, read-only, ends its statements after `limit`
/// and their waits for locks after half of it. Throws Error{query} if that is not in effect.
void limit_transaction(std::chrono::milliseconds limit, const Execute& execute);

/// Makes the server end statements after `limit` and waits for locks after half of it, and limit a
/// result to `rows`, if it can. False if it cannot end statements.
bool limit_statements(Dialect dialect, std::chrono::milliseconds limit, std::size_t rows,
                      const Execute& execute);

}  // namespace exporter::sql
