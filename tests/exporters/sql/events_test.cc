#include <catch2/catch.hpp>

#include "tests/exporters/sql/shop.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const Time kStart(std::chrono::sys_days(std::chrono::year(2026) / 3 / 30) + 12h);

const std::string kOrders =
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, created_at TEXT, updated_at TEXT, country TEXT, "
    "amount)";

std::string events(const std::string& keys) {
  return "collectors:\n  orders:\n    every: 1m\n    events:\n" + keys +
         "    metrics:\n"
         "      - {name: orders_total, help: Orders., labels: [country]}\n"
         "      - {name: amount_eur_total, help: Amount., value: amount}\n";
}

const std::string kKeys =
    "      query: SELECT * FROM orders WHERE created_at >= :since\n      unit: id\n"
    "      when: created_at\n      overlap: 10m\n      late: 6h\n      past: 2h\n";

class Orders {
 public:
  explicit Orders(const std::string& keys = kKeys) : keys_(keys) {
    shop_.execute(kOrders);
    start();
  }

  /// Restarts the exporter.
  void start() {
    collect_ = {};
    source_ = shop_.source(events(keys_));
    source_->clock = [this] { return now; };
    collect_ = Shop::collector(source_, "orders").collect;
  }

  void add(int id, Time created, const std::string& country, const std::string& amount) {
    shop_.execute("INSERT INTO orders VALUES (" + std::to_string(id) + ", " + at(created) + ", " +
                  at(created) + ", '" + country + "', " + amount + ")");
  }
  void execute(const std::string& sql) { shop_.execute(sql); }
  std::string page() { return Shop::page(collect_); }
  static std::string at(Time time) { return literal(time, Dialect::sqlite); }

  Time now = kStart;
  const std::shared_ptr<Source>& source() const { return source_; }

 private:
  Shop shop_;
  std::string keys_;
  std::shared_ptr<Source> source_;
  CollectFunction collect_;
};

std::string counted(const std::string& orders, const std::string& amount) {
  return "orders_total{source=\"shop\",country=\"de\"} " + orders +
         "\namount_eur_total{source=\"shop\"} " + amount + "\n";
}

}  // namespace

TEST_CASE("each row counts once, however often it is read") {
  Orders orders;
  orders.add(1, kStart - 1h, "de", "10");
  orders.add(2, kStart - 3h, "de", "99");  // before the past
  CHECK(orders.page() == counted("1", "10"));
  CHECK(orders.page() == counted("1", "10"));
  orders.add(3, kStart, "de", "0.5");
  orders.now += 1min;
  CHECK(orders.page() == counted("2", "10.5"));
  orders.start();
  CHECK(orders.page() == counted("2", "10.5"));
}

TEST_CASE("a row that commits after a later one is not lost") {
  Orders orders;
  orders.add(2, kStart, "de", "1");
  CHECK(orders.page() == counted("1", "1"));
  orders.add(1, kStart - 9min, "de", "1");  // its transaction took nine minutes
  orders.now += 1min;
  CHECK(orders.page() == counted("2", "2"));
}

TEST_CASE("after clocks were ahead, rows count as before") {
  Orders orders;
  orders.add(1, kStart, "de", "1");
  CHECK(orders.page() == counted("1", "1"));
  const auto jump = 24h * 400;
  orders.now += jump;
  orders.add(2, orders.now, "de", "1");
  CHECK(orders.page() == counted("2", "2"));
  const bool is_restarted = GENERATE(true, false);
  if (is_restarted) orders.start();
  orders.now = kStart + 1h;
  orders.add(3, kStart + 1h, "de", "1");
  CHECK(orders.page() == counted("3", "3"));
  orders.add(4, kStart + 50min, "de", "1");
  orders.add(5, kStart + 2h, "de", "1");
  orders.now = kStart + 2h;
  CHECK(orders.page() == counted("5", "5"));
}

TEST_CASE("a reading of all that fails while clocks are ahead starts again when they are right") {
  Orders orders;
  orders.add(1, kStart, "de", "1");
  CHECK(orders.page() == counted("1", "1"));
  orders.now += 24h * 400;
  orders.add(2, orders.now, "de", "1");
  CHECK(orders.page() == counted("2", "2"));
  orders.execute("ALTER TABLE orders RENAME TO gone");
  orders.now += 2h;
  CHECK_THROWS_AS(orders.page(), Error);
  orders.execute("ALTER TABLE gone RENAME TO orders");
  orders.now = kStart + 30min;
  orders.add(3, kStart - 1h, "de", "1");
  CHECK(orders.page() == counted("3", "3"));
}

TEST_CASE("what is later than the overlap is found by the reading of all that may be late") {
  Orders orders;
  orders.add(2, kStart, "de", "1");
  CHECK(orders.page() == counted("1", "1"));
  orders.add(1, kStart - 1h, "de", "1");
  orders.now += 30min;
  CHECK(orders.page() == counted("1", "1"));
  orders.now += 31min;
  CHECK(orders.page() == counted("2", "2"));
}

TEST_CASE("corrections replace, deletions are made up for by growth") {
  Orders orders;
  orders.add(1, kStart, "de", "10");
  orders.add(2, kStart, "de", "20");
  CHECK(orders.page() == counted("2", "30"));
  orders.execute("UPDATE orders SET amount = 25 WHERE id = 2");
  CHECK(orders.page() == counted("2", "35"));
  orders.execute("DELETE FROM orders WHERE id = 1");
  CHECK(orders.page() == counted("2", "35"));
  orders.add(3, kStart, "de", "10");
  orders.add(4, kStart, "de", "1");
  CHECK(orders.page() == counted("3", "36"));
}

TEST_CASE("a row whose label changes moves to its new series") {
  Orders orders;
  orders.add(1, kStart, "fr", "10");
  orders.page();
  orders.execute("UPDATE orders SET country = 'de'");
  orders.add(2, kStart, "fr", "1");
  CHECK_THAT(orders.page(), Contains("country=\"de\"} 1\n") && Contains("country=\"fr\"} 1\n"));
}

TEST_CASE("a row that cannot be read is left out and counts when it can") {
  Orders orders;
  orders.add(1, kStart, "de", "10");
  orders.execute("INSERT INTO orders VALUES (2, 'soon', '', 'de', 1)");
  orders.execute("INSERT INTO orders VALUES (3, NULL, '', 'de', 1)");
  CHECK(orders.page() == counted("1", "10"));
  orders.execute("UPDATE orders SET created_at = " + Orders::at(kStart) + " WHERE id > 1");
  CHECK(orders.page() == counted("3", "12"));
}

TEST_CASE("a row that can no longer be read counts as it did") {
  Orders orders;
  orders.add(1, kStart, "de", "10");
  orders.add(2, kStart, "de", "20");
  CHECK(orders.page() == counted("2", "30"));
  orders.execute("UPDATE orders SET amount = 'much' WHERE id = 1");
  orders.execute("UPDATE orders SET created_at = 'soon' WHERE id = 2");
  orders.add(3, kStart, "de", "5");
  CHECK(orders.page() == counted("3", "35"));
}

TEST_CASE("a NULL counts nothing") {
  Orders orders;
  orders.add(1, kStart, "de", "NULL");
  orders.add(2, kStart, "de", "5");
  CHECK(orders.page() == counted("2", "5"));
}

TEST_CASE("a negative value is left out") {
  Orders orders;
  orders.add(1, kStart, "de", "-1");
  orders.add(2, kStart, "de", "5");
  CHECK(orders.page() == counted("2", "5"));
}

TEST_CASE("a failure keeps what was counted on the page") {
  Orders orders;
  orders.add(1, kStart, "de", "10");
  orders.page();
  orders.execute("ALTER TABLE orders RENAME TO gone");
  Samples samples;
  Shop::collector(orders.source(), "orders").collect(samples, Deadline::in(60s));
  REQUIRE(samples.failure());
  CHECK(samples.failure()->reason() == Reason::query);
  CHECK(samples.size() == 2);
}

TEST_CASE("a row of the future does not hide those of now") {
  Orders orders;
  orders.add(1, kStart + std::chrono::hours(24 * 365 * 70), "de", "1");
  orders.page();
  orders.add(2, kStart, "de", "1");
  orders.now += 1min;
  CHECK_THAT(orders.page(), Contains("country=\"de\"} 2\n"));
}

TEST_CASE("a condition on another column than the time is refused") {
  Orders orders(
      "      query: SELECT * FROM orders WHERE updated_at >= :since\n      unit: id\n"
      "      when: created_at\n      overlap: 10m\n");
  orders.add(1, kStart, "de", "1");
  orders.page();
  orders.execute("INSERT INTO orders VALUES (2, " + Orders::at(kStart - 60h) + ", " +
                 Orders::at(kStart) + ", 'de', 1)");
  CHECK_THAT(error_of(Reason::query, [&] { orders.page(); }),
             Contains("earlier created_at than :since") && Contains("`position:`"));
}

TEST_CASE("a position of its own, such as the time of the last change") {
  Orders orders(
      "      query: SELECT * FROM orders WHERE updated_at >= :since\n      unit: id\n"
      "      when: created_at\n      position: updated_at\n      overlap: 10m\n      late: 4d\n"
      "      past: 3d\n");
  orders.add(1, kStart - 50h, "de", "1");
  orders.add(2, kStart, "de", "1");
  CHECK(orders.page() == counted("2", "2"));
  orders.now += 1h;
  orders.execute("UPDATE orders SET amount = 5, updated_at = " + Orders::at(kStart + 1h) +
                 " WHERE id = 1");
  CHECK(orders.page() == counted("2", "6"));
}

TEST_CASE("what is too much for one query is read in slices") {
  const std::string query = "      query: SELECT * FROM orders WHERE created_at >= :since";
  const std::string rest =
      "      unit: id\n      when: created_at\n      overlap: 10m\n      late: 6h\n      past: 6h\n"
      "    max_rows: 10\n";
  const auto fill = [](Orders& orders) {
    for (int id = 1; id <= 100; ++id)
      orders.add(id, kStart - std::chrono::minutes(3 * id), "de", "1");
  };
  Orders sliced(query + " AND created_at < :until\n" + rest);
  fill(sliced);
  CHECK(sliced.page() == counted("100", "100"));
  Orders whole(query + "\n" + rest);
  fill(whole);
  CHECK_THAT(error_of(Reason::query, [&] { whole.page(); }),
             Contains("more than 10 rows") && Contains("`AND created_at < :until`"));
}

TEST_CASE("a unit of several columns") {
  Orders orders(
      "      query: SELECT *, '1' AS a, '23' AS b FROM orders WHERE created_at >= :since AND id = "
      "1 "
      "UNION ALL SELECT *, '12', '3' FROM orders WHERE created_at >= :since AND id = 2\n"
      "      unit: [a, b]\n      when: created_at\n      overlap: 10m\n      past: 1h\n");
  orders.add(1, kStart, "de", "1");
  orders.add(2, kStart, "de", "2");
  CHECK(orders.page() == counted("2", "3"));
}
