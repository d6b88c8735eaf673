#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <random>
#include <vector>

#include "tests/exporters/sql/shop.h"

using namespace exporter;
using namespace exporter::sql;
using namespace std::chrono_literals;

namespace {

const std::string kConfiguration =
    "collectors:\n  orders:\n    every: 1m\n    max_rows: 40\n    events:\n"
    "      query: SELECT * FROM orders WHERE created_at >= :since AND created_at < :until\n"
    "      unit: id\n      when: created_at\n      overlap: 10m\n      late: 6h\n      past: 1h\n"
    "    metrics:\n"
    "      - {name: orders_total, help: Orders., labels: [country]}\n"
    "      - {name: amount_eur_total, help: Amount., value: amount, labels: [country]}\n"
    "      - {name: amount_eur, type: histogram, help: Amount., value: amount, buckets: [10, "
    "50]}\n";

const std::vector<std::string> kCountries{"de", "fr", "nl"};

/// A transaction that has started, and inserts its row when it commits.
struct Open {
  int id;
  Time created, commits;
};

/// A shop whose rows commit late, are corrected, move and are deleted; the exporter is killed.
class History {
 public:
  explicit History(unsigned seed) : random_(seed) {
    shop_.execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, created_at TEXT, country TEXT, amount)");
    shop_.execute("CREATE INDEX by_time ON orders (created_at)");
    start();
  }

  void live(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += std::chrono::seconds(pick(5, 240));
      for (int orders = pick(0, 3); orders > 0; --orders) begin();
      commit();
      if (pick(0, 3) == 0) change();
      if (pick(0, 15) == 0) start();
      if (pick(0, 3) != 0) read();  // otherwise it is down
    }
  }

  /// Reads again all rows that may be late, then adds enough growth to make up for what was taken
  /// back, because a counter never falls.
  std::string end() {
    now_ += 4h;
    commit();
    read();
    for (const auto& country : kCountries) {
      for (const int amount : {5, 20, 500}) {
        for (int i = 0; i < 300; ++i) insert(now_ - std::chrono::seconds(i), country, amount);
      }
    }
    return read();
  }

  std::string truth() {
    std::string page;
    const auto add = [&](const std::string& series, const std::string& sql) {
      auto number = shop_.text(sql);
      if (number.ends_with(".0")) number.resize(number.size() - 2);
      page += series + " " + number + "\n";
    };
    for (const auto& country : kCountries) {
      add("orders_total{source=\"shop\",country=\"" + country + "\"}",
          "SELECT count(*) FROM orders WHERE country = '" + country + "'");
    }
    for (const auto& country : kCountries) {
      add("amount_eur_total{source=\"shop\",country=\"" + country + "\"}",
          "SELECT sum(amount) FROM orders WHERE country = '" + country + "'");
    }
    add("amount_eur_bucket{source=\"shop\",le=\"10.0\"}",
        "SELECT count(*) FROM orders WHERE amount <= 10");
    add("amount_eur_bucket{source=\"shop\",le=\"50.0\"}",
        "SELECT count(*) FROM orders WHERE amount <= 50");
    add("amount_eur_bucket{source=\"shop\",le=\"+Inf\"}", "SELECT count(*) FROM orders");
    add("amount_eur_sum{source=\"shop\"}", "SELECT sum(amount) FROM orders");
    add("amount_eur_count{source=\"shop\"}", "SELECT count(*) FROM orders");
    return page;
  }

 private:
  int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  const std::string& country() { return kCountries[std::size_t(pick(0, 2))]; }

  /// Restarts the exporter as after SIGKILL.
  void start() {
    collect_ = {};
    auto source = shop_.source(kConfiguration);
    source->clock = [this] { return now_; };
    collect_ = Shop::collector(source, "orders").collect;
  }

  std::string read() { return Shop::page(collect_); }

  /// Starts a transaction: most commit at once, some within the overlap, a few within `late`.
  void begin() {
    const auto kind = pick(0, 9);
    const auto wait = kind < 7 ? 0s : kind < 9 ? std::chrono::seconds(pick(1, 590)) : 4h;
    open_.push_back({++last_id_, now_, now_ + wait});
  }

  void commit() {
    std::erase_if(open_, [&](const Open& open) {
      if (open.commits > now_) return false;
      insert(open.created, country(), pick(1, 100), open.id);
      return true;
    });
  }

  void insert(Time created, const std::string& country, int amount, int id = 0) {
    shop_.execute("INSERT INTO orders VALUES (" + std::to_string(id == 0 ? ++last_id_ : id) + ", " +
                  literal(created, Dialect::sqlite) + ", '" + country + "', " +
                  std::to_string(amount) + ".25)");
  }

  /// Changes or deletes a row that is young enough to be read again.
  void change() {
    const auto where = " WHERE id = (SELECT id FROM orders WHERE created_at > " +
                       literal(now_ - 3h, Dialect::sqlite) + " ORDER BY id * " +
                       std::to_string(pick(1, 1000)) + " % 997 LIMIT 1)";
    const auto kind = pick(0, 2);
    if (kind == 0) shop_.execute("DELETE FROM orders" + where);
    if (kind == 1) shop_.execute("UPDATE orders SET country = '" + country() + "'" + where);
    if (kind == 2) {
      shop_.execute("UPDATE orders SET amount = " + std::to_string(pick(1, 100)) + ".5" + where);
    }
  }

  Time now_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 28) + 20h};
  std::mt19937 random_;
  Shop shop_;
  CollectFunction collect_;
  std::vector<Open> open_;
  int last_id_ = 0;
};

}  // namespace

TEST_CASE("counters equal the table, whatever is late, corrected, moved, deleted or read twice") {
  const char* wanted = std::getenv("SQL_HISTORIES");
  const int histories = wanted == nullptr ? 10 : std::atoi(wanted);
  for (unsigned seed = 0; seed < unsigned(histories); ++seed) {
    INFO("seed " << seed);
    History history(seed);
    history.live(150);
    const auto page = history.end();
    CHECK(page == history.truth());
  }
}
