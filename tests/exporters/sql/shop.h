#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "exporters/sql/source.h"
#include "tests/support/temporary_folder.h"

struct sqlite3;

namespace exporter::sql {

/// A database in SQLite that a test fills, and a source that reads it.
class Shop {
 public:
  Shop();
  ~Shop();
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  /// Runs SQL in it; fails the test where that fails.
  void execute(const std::string& sql);

  /// The one value that a query gives.
  std::string text(const std::string& sql);

  /// A new source, as a configuration with these lines makes it behind its `sources:`; it keeps its
  /// ledgers in a folder that all of them share.
  std::shared_ptr<Source> source(const std::string& configuration);
  /// What that function of it gives, as a page without its headers.
  static std::string page(const CollectFunction& collect);
  /// What the collector gives: that of the configuration, by its name.
  static std::string page(const std::shared_ptr<Source>& source, std::string_view collector);
  static Collector collector(const std::shared_ptr<Source>& source, std::string_view name);

  std::string odbc() const;
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  sqlite3* database_ = nullptr;
};

}  // namespace exporter::sql
