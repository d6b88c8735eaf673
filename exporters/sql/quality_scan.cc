#include "exporters/sql/quality_scan.h"

#include "common/base/text.h"
#include "exporters/sql/dialect_sql.h"

namespace exporter::sql {
namespace {

using What = ScanItem::What;

std::string sum_of(const std::string& condition) {
  return "SUM(CASE WHEN " + condition + " THEN 1 ELSE 0 END)";
}

std::string query_of(const TableConfig& table, const std::string& value,
                     const std::string& condition) {
  return "(SELECT " + value + " FROM " + table.name + " WHERE " + condition + ")";
}

std::string count_between(const TableConfig& table, const std::string& begin,
                          const std::string& end) {
  return query_of(table, "COUNT(*)",
                  table.time + " >= :" + begin + " AND " + table.time + " < :" + end);
}

std::string week_name(std::size_t week, const char* end) {
  return "week" + std::to_string(week) + "_" + end;
}

/// The scanned rows: a WHERE clause, or nothing.
std::string where_of_window(const TableConfig& table) {
  return table.window ? " WHERE " + table.time + " >= :since" : std::string();
}

std::string duplicates_of(const TableConfig& table) {
  const auto columns = joined(table.key->columns);
  std::string present;
  for (const auto& column : table.key->columns) present += " AND " + column + " IS NOT NULL";
  const auto where = table.window ? where_of_window(table) + present : " WHERE" + present.substr(4);
  return "(SELECT SUM(of_key - 1) FROM (SELECT COUNT(*) AS of_key FROM " + table.name + where +
         " GROUP BY " + columns + " HAVING COUNT(*) > 1) dpe_keys)";
}

/// The value is selected from the row first, because the other table may have columns with the same
/// name.
std::string orphans_of(const TableConfig& table, const ReferenceConfig& reference) {
  return "(SELECT COUNT(*) FROM (SELECT " + reference.column + "\n AS dpe_value FROM " +
         table.name + where_of_window(table) +
         ") dpe_rows\n  WHERE dpe_rows.dpe_value IS NOT NULL AND NOT EXISTS (SELECT 1 FROM " +
         reference.table + " WHERE " + reference.key + "\n = dpe_rows.dpe_value))";
}

void add_times(const TableConfig& table, std::vector<ScanItem>& items) {
  const auto newest = [&](What what, const std::string& column) {
    items.push_back(
        {what, "freshness", column, query_of(table, "MAX(" + column + ")", column + " <= :ahead")});
  };
  if (!table.time.empty()) {
    newest(What::newest, table.time);
    items.push_back({What::failing, "future", table.time,
                     query_of(table, "COUNT(*)", table.time + " > :ahead")});
  }
  if (!table.loaded.empty()) newest(What::newest_load, table.loaded);
}

void add_volume(const TableConfig& table, std::vector<ScanItem>& items) {
  const auto add = [&](What what, std::string sql, int week = 0) {
    items.push_back({what, "volume", "", std::move(sql), false, week});
  };
  add(What::period, count_between(table, "period_begin", "period_end"));
  add(What::oldest, "(SELECT MIN(" + table.time + ") FROM " + table.name + ")");
  for (int week = 1; week <= table.volume->weeks; ++week) {
    const auto at = std::size_t(week);
    add(What::week, count_between(table, week_name(at, "begin"), week_name(at, "end")), week);
  }
}

}  // namespace

ScanTimes scan_times(const TableConfig& table, Time now) {
  ScanTimes times{now, now + kMaxAhead, {}, {}};
  if (!table.volume) return times;
  const auto& periods = table.volume->periods;
  times.period = last_period(periods, now);
  for (int week = 1; week <= table.volume->weeks; ++week) {
    times.weeks.push_back(weeks_before(periods, *times.period, week));
  }
  return times;
}

std::vector<ScanItem> scan_items(const TableConfig& table) {
  std::vector<ScanItem> items;
  items.push_back({What::empty, "rows", "",
                   "CASE WHEN EXISTS (SELECT 1 FROM " + table.name + ") THEN 0 ELSE 1 END"});
  items.push_back({What::rows, "rows", "", "COUNT(*)", true});
  add_times(table, items);
  for (const auto& row : table.rows) {
    items.push_back({What::failing, row.check, row.column, sum_of(row.condition), true});
  }
  if (table.volume) add_volume(table, items);
  if (table.watches_schema) items.push_back({What::columns, "schema", "", {}});
  if (table.key) {
    items.push_back({What::duplicates, "key", joined(table.key->columns), duplicates_of(table),
                     false, 0, table.key->every});
  }
  for (const auto& reference : table.references) {
    items.push_back({What::orphans, "references", reference.column, orphans_of(table, reference),
                     false, 0, reference.every});
  }
  return items;
}

std::string scan_statement(const TableConfig& table, std::span<const ScanItem* const> items,
                           Dialect dialect) {
  auto statement = clock_statement(dialect);
  bool is_of_rows = false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    statement += ",\n  " + items[i]->sql + " AS v" + std::to_string(i);
    is_of_rows = is_of_rows || items[i]->is_of_rows;
  }
  if (is_of_rows) statement += "\nFROM " + table.name + where_of_window(table);
  return statement;
}

Parameters scan_parameters(const TableConfig& table, const ScanTimes& times) {
  Parameters parameters{{"now", times.now}, {"ahead", times.ahead}};
  if (table.window) parameters["since"] = times.now - *table.window;
  if (times.period) {
    parameters["period_begin"] = times.period->begin;
    parameters["period_end"] = times.period->end;
  }
  for (std::size_t i = 0; i < times.weeks.size(); ++i) {
    if (!times.weeks[i]) continue;
    parameters[week_name(i + 1, "begin")] = times.weeks[i]->begin;
    parameters[week_name(i + 1, "end")] = times.weeks[i]->end;
  }
  return parameters;
}

std::string clock_statement(Dialect dialect) {
  return "SELECT " + std::string(server_time(dialect)) + " AS server_now";
}

std::vector<std::string> table_statements(const TableConfig& table, const ScanTimes& times,
                                          Dialect dialect) {
  std::vector<std::string> statements;
  const auto items = scan_items(table);
  std::vector<const ScanItem*> scanned;
  for (const auto& item : items) {
    const bool is_week = item.what == What::week;
    if (item.what == What::columns) {
      statements.push_back(columns_statement(table));
    } else if (item.every) {
      const ScanItem* const alone = &item;
      statements.push_back(scan_statement(table, {&alone, 1}, dialect));
    } else if (!is_week || times.weeks[std::size_t(item.week) - 1]) {
      scanned.push_back(&item);
    }
  }
  statements.insert(statements.begin(), scan_statement(table, scanned, dialect));
  return statements;
}

std::string columns_statement(const TableConfig& table) {
  return "SELECT * FROM " + table.name + " WHERE 1 = 0";
}

}  // namespace exporter::sql
