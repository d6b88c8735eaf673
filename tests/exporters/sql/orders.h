#pragma once

#include <string>

#include "tests/exporters/sql/shop.h"

namespace exporter::sql {

// Collectors of each kind that read one source.

inline const std::string kQuality =
    "quality:\n  shop:\n    tables:\n      orders: {time: at, window: 1d, not_null: {id: 0}, key: "
    "{columns: [id]}, schema: watch, volume: {period: 1h}}\n";
inline const std::string kBusiness =
    "business:\n  source: shop\n  timezone: UTC\n  funnels: {a: {start: s, end: e, by: channel}}\n";
inline const std::string kEvents =
    "collectors:\n  counted:\n    every: 1m\n    events: {query: \"SELECT id, at FROM orders WHERE "
    "at >= :since\", unit: id, when: at, overlap: 1m, late: 6h}\n"
    "    metrics: [{name: counted_total, help: Counted.}]\n";

/// Creates the table that they read, with one row.
inline void make_orders(Shop& shop) {
  shop.execute(
      "CREATE TABLE orders (id INTEGER, at TEXT); "
      "INSERT INTO orders VALUES (1, datetime('now', '-2 hours'))");
}

}  // namespace exporter::sql
