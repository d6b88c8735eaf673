#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/sql/dialect.h"
#include "common/sql/table.h"

namespace exporter::sql {

/// Runs one statement in the session; throws Error.
using Execute = std::function<Table(const std::string& statement)>;

/// Makes a session read-only and UTC and names it, as far as the dialect can, and reads back what
/// it set. The settings that are not in force, in words for a user; a setting that the server
/// refuses is one of them.
std::vector<std::string> prepare_session(Dialect dialect, const Execute& execute);

/// Whether the error is the server's answer to a statement, so that the session goes on.
bool is_refusal(const Error& error);

/// Makes PostgreSQL's transaction, which this starts, read-only and ends its statements after
/// `limit`, their waits for a lock after half of it. Throws Error{query} where that is not in
/// force.
void limit_transaction(std::chrono::milliseconds limit, const Execute& execute);

/// Has the server end any statement after `limit`, and any wait for a lock after half of it, and
/// send no more than `rows` of one, where it can. False where it cannot end statements.
bool limit_statements(Dialect dialect, std::chrono::milliseconds limit, std::size_t rows,
                      const Execute& execute);

}  // namespace exporter::sql
