#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "exporters/sql/source.h"
#include "tests/support/temporary_directory.h"

struct sqlite3;

namespace exporter::sql {

/// A SQLite database that a test fills, and a source that reads it.
class Shop {
 public:
  Shop();
  ~Shop();
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  /// Runs SQL in it; fails the test on an error.
  void execute(const std::string& sql);

  /// The single value that a query returns.
  std::string text(const std::string& sql);

  /// A new source, configured with these lines after its `sources:`; its ledgers are in a directory
  /// that all sources share.
  std::shared_ptr<Source> source(const std::string& configuration);
  /// The result of one of its functions, as a page without headers.
  static std::string page(const CollectFunction& collect);
  /// The samples of the configured collector with that name.
  static std::string page(const std::shared_ptr<Source>& source, std::string_view collector);
  static Collector collector(const std::shared_ptr<Source>& source, std::string_view name);

  std::string odbc() const;
  const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  sqlite3* database_ = nullptr;
};

}  // namespace exporter::sql
