#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exporters/snowflake/account.h"
#include "tests/support/scripted_server.h"

/// A server for the SQL API that answers statements according to their start.
class AccountServer {
 public:
  AccountServer();

  /// Answers statements with that prefix with rows, from now on: `columns` is "name,state", `rows`
  /// JSON arrays, `["A","STARTED"],["B",null]`.
  void set_rows(const std::string& statement, const std::string& columns, const std::string& rows);
  /// The same with a whole reply.
  void set(const std::string& statement, const std::string& reply);
  /// Answers a GET or a cancel of a path below /api/v2/statements.
  void set_path(const std::string& path, const std::string& reply);

  std::string url() const { return server_.url(); }
  std::vector<std::string> requests() const { return server_.requests(); }
  /// How many requests contain this text.
  std::size_t count(const std::string& text) const;

 private:
  std::string answer_to(const std::string& request);

  std::mutex mutex_;
  std::map<std::string, std::string> statements_, paths_;
  ScriptedServer server_;
};

/// The body of a reply with rows.
std::string rows_body(const std::string& columns, const std::string& rows);
/// The API's reply for a failed statement: status 422.
std::string failure_reply(const std::string& code, const std::string& message);

/// The account, named prod, of an entry in the list of accounts, with a token and these keys:
/// "warehouse: EXPORTER".
std::shared_ptr<exporter::snowflake::Account> account_of(
    const std::string& url, const std::string& entry = "",
    std::shared_ptr<exporter::Ledgers> ledgers = std::make_shared<exporter::Ledgers>(""));

/// The page of one run. Throws the error of the run, even if it also has samples.
std::string page_of(const exporter::CollectFunction& collect);
