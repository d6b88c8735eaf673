#include "common/app/sources.h"

#include <catch2/catch.hpp>

#include "common/app/app.h"
#include "common/app/collectors.h"
#include "tests/support/error_of.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

/// A source that keeps the inputs it was made of.
struct Shop {
  std::string name, url;
  bool is_remote;
};

constexpr auto kOrders = gauge("demo_orders", "Orders.", "shop", "url");
constexpr MetricView kMetrics[] = {kOrders};
constexpr Flag kLimit{"orders.limit", "5", "Limit."};
constexpr Flag kFlags[] = {kLimit};

void read_orders(Shop& shop, Samples& samples, const Deadline&) {
  samples.add(kOrders, 1, shop.name, shop.url);
}

/// Counts its runs.
class Stock {
 public:
  explicit Stock(Shop& shop) : shop_(shop) {}
  void collect(Samples& samples, const Deadline&) {
    samples.add(kOrders, ++runs_, shop_.name, shop_.url);
  }

 private:
  Shop& shop_;
  int runs_ = 0;
};

using Orders = Module<Shop>;
constexpr Orders kOrdersModule{"orders",         Orders::Default::on, kMetrics, kFlags,
                               run<read_orders>, Every{30s, 5min},    7s};
constexpr Orders kStockModule{.name = "stock",
                              .enabled = Orders::Default::off,
                              .metrics = kMetrics,
                              .flags = {},
                              .make = make<Stock>,
                              .schedule = Every{10s, 1min},
                              .schedule_for = [](const Shop& shop) -> Schedule {
                                if (shop.url == "/on_scrape") return OnScrape{};
                                return Every{shop.is_remote ? 20s : 10s, 1min};
                              }};
constexpr Orders kLocalModule{.name = "local",
                              .enabled = Orders::Default::on,
                              .metrics = kMetrics,
                              .flags = {},
                              .make = run<read_orders>,
                              .runs_beside_others = true};
constexpr const Orders* kModules[] = {&kOrdersModule, &kStockModule, &kLocalModule};

constexpr SourceFlag kSourceFlags[] = {{{"shop.url", "", "URL."}, "url"},
                                       {{"shop.name", "shop", "Name."}, "name"}};

std::shared_ptr<Shop> make_shop(const SourceInputs& inputs) {
  const auto url = inputs.config.required("url").string();
  return std::make_shared<Shop>(Shop{inputs.name, url, url.starts_with("http")});
}

App app() {
  App app;
  app.name = "demo_exporter";
  watch<Shop>(
      app,
      {.key = "shops", .label = "shop", .flags = kSourceFlags, .make = make_shop, .at_once = 3},
      kModules);
  return app;
}

using Given = std::map<std::string, std::vector<std::string>>;

MadeSources made_of(const App& exporter, const std::string& yaml, const Given& given = {}) {
  AppFlags flags(exporter);
  flags.add_switches(exporter, true);
  const auto file = Yaml::parse(yaml, "demo.yml");
  const auto settings = std::make_shared<const Settings>(flags.flags, given, &file);
  auto made = make_sources(exporter.sources, exporter.modules,
                           {settings, &file, upstreams(), nullptr, false});
  file.finish();
  return made;
}

std::vector<Collector> collectors_with(const std::string& yaml, const Given& given = {}) {
  return made_of(app(), yaml, given).collectors;
}

std::string failure(const std::string& yaml, const Given& given = {}) {
  return error_of(Reason::config, [&] { collectors_with(yaml, given); });
}

/// "name of source every interval", one each.
std::vector<std::string> summary(const std::vector<Collector>& collectors) {
  std::vector<std::string> lines;
  for (const auto& collector : collectors) {
    std::string line = collector.name + " of " + collector.source;
    if (const auto* every = std::get_if<Every>(&collector.schedule)) {
      line += " every " + std::to_string(every->interval / 1s);
    }
    lines.push_back(line);
  }
  return lines;
}

std::string page_of(const Collector& collector) {
  Samples samples;
  collector.collect(samples, Deadline::in(10s));
  std::string page;
  samples.render(Format::text, page);
  return page.substr(page.rfind("demo_orders{"));
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("each source has each collector that is on") {
  const auto collectors = collectors_with(
      "shops: [{name: north, url: /n}, {name: south, url: /s}]\ncollector: {stock: {enabled: "
      "true}}");
  CHECK(summary(collectors) == Lines{"orders of north every 30", "orders of south every 30",
                                     "stock of north every 10", "stock of south every 10",
                                     "local of north", "local of south"});
  CHECK(collectors[0].timeout == 7s);
  CHECK(collectors[0].at_once == 3);
  CHECK(collectors[4].at_once == 0);
  CHECK(page_of(collectors[1]) == "demo_orders{shop=\"south\",url=\"/s\"} 1\n");
  CHECK(page_of(collectors[2]) == "demo_orders{shop=\"north\",url=\"/n\"} 1\n");
  CHECK(page_of(collectors[2]) == "demo_orders{shop=\"north\",url=\"/n\"} 2\n");
  CHECK(page_of(collectors[3]) == "demo_orders{shop=\"south\",url=\"/s\"} 1\n");
}

TEST_CASE("an exporter may have no source until the flag that it needs is given") {
  auto exporter = app();
  exporter.sources.needed_flag = "shop.url";
  CHECK(made_of(exporter, "").collectors.empty());
  CHECK(made_of(exporter, "shops:").collectors.empty());
  CHECK(made_of(exporter, "", {{"shop.url", {"/x"}}}).collectors.size() == 2);
  CHECK(made_of(exporter, "shops: [{name: a, url: /a}]").collectors.size() == 2);
}

TEST_CASE("a report is of each source, with the collectors that are on") {
  auto exporter = app();
  exporter.sources.reports.push_back(
      {"describe", "Say what it is.", [](void* source, const ReportInputs& inputs) {
         auto text = static_cast<Shop*>(source)->name + ":";
         for (const auto name : inputs.collectors) text.append(" ").append(name);
         return ReportText{text.append(" ").append(inputs.argument)};
       }});
  const auto made = made_of(exporter,
                            "shops: [{name: a, url: /a}, {name: b, url: /b, collector: {stock: "
                            "{enabled: true}, local: {enabled: false}}}]");
  REQUIRE(made.reports.size() == 2);
  CHECK(made.reports[0].flag == "describe");
  const auto deadline = Deadline::in(1min);
  CHECK(made.reports[0].write("x", deadline).text == "a: orders local x");
  CHECK(made.reports[1].write("y", deadline).text == "b: orders stock y");
}

TEST_CASE("a source may have collectors that its configuration describes") {
  auto exporter = app();
  exporter.sources.describe = [](const std::shared_ptr<void>& source) {
    const auto shop = std::static_pointer_cast<Shop>(source);
    const auto collect = [shop](Samples& samples, const Deadline&) {
      samples.add(kOrders, 5, shop->name, shop->url);
    };
    return std::vector<Collector>{{.name = "described_" + shop->name, .collect = collect}};
  };
  const auto made = made_of(exporter, "shops: [{name: a, url: /a}, {name: b, url: /b}]");
  REQUIRE(made.collectors.size() > 2);
  CHECK(made.collectors[1].name == "described_b");
  CHECK(made.collectors[1].source == "b");
  CHECK(page_of(made.collectors[1]) == "demo_orders{shop=\"b\",url=\"/b\"} 5\n");
}

TEST_CASE("without a list there is one source, of the flags or of their keys") {
  CHECK(summary(collectors_with("", {{"shop.url", {"/x"}}})) ==
        Lines{"orders of shop every 30", "local of shop"});
  const auto collectors = collectors_with("shop: {url: /y, name: east}");
  CHECK(page_of(collectors[0]) == "demo_orders{shop=\"east\",url=\"/y\"} 1\n");
  CHECK(failure("") == "--shop.url: missing");
  CHECK(failure("", {{"shop.url", {"/x"}}, {"shop.name", {""}}}) == "--shop.name: missing");
  CHECK(failure("shops: [{name: a, url: /a}]", {{"shop.url", {"/x"}}}) ==
        "--shop.url: the file has a list of shops");
}

TEST_CASE(
    "an interval is that of the source, of the flag, of the kind of source, of the collector") {
  const std::string two =
      "shops:\n- {name: near, url: /n, collector: {stock: {interval: 5s}}}\n"
      "- {name: far, url: http://f}\n";
  const Given on{{"collector.stock.enabled", {"true"}}, {"collector.local.enabled", {"false"}}};
  CHECK(summary(collectors_with(two, on)) ==
        Lines{"orders of near every 30", "orders of far every 30", "stock of near every 5",
              "stock of far every 20"});
  auto given = on;
  given["collector.stock.interval"] = {"40s"};
  given["collector.orders.interval"] = {"1m"};
  CHECK(summary(collectors_with(two, given)) ==
        Lines{"orders of near every 60", "orders of far every 60", "stock of near every 5",
              "stock of far every 40"});
  CHECK(summary(collectors_with(two + "collector: {orders: {interval: 90s}}", on))[0] ==
        "orders of near every 90");
}

TEST_CASE("a run may take as long as the source, the flag or the collector says") {
  const auto timeout = [](const std::string& of_source, const Given& given) {
    return collectors_with("shops: [{name: a, url: /a, collector: {orders: {" + of_source + "}}}]",
                           given)[0]
        .timeout;
  };
  const Given flag{{"collector.orders.timeout", {"20s"}}};
  CHECK(timeout("", {}) == 7s);
  CHECK(timeout("", flag) == 20s);
  CHECK(timeout("timeout: 3s", flag) == 3s);
}

TEST_CASE("a source turns collectors on and off for itself") {
  CHECK(summary(collectors_with("shops:\n"
                                "- {name: a, url: /a, collector: {orders: {enabled: false}}}\n"
                                "- {name: b, url: /b, collector: {stock: {enabled: true}}}\n",
                                {{"collector.local.enabled", {"false"}}})) ==
        Lines{"orders of b every 30", "stock of b every 10"});
}

TEST_CASE("what is wrong with sources is told with its place") {
  CHECK(failure("shops: []") == "demo.yml:1:8: shops: expected at least one of them");
  CHECK(failure("shops: [{url: /a}]") == "demo.yml:1:9: shops[0].name: missing");
  CHECK(failure("shops: [{name: a, url: /a}, {name: a, url: /b}]") ==
        "demo.yml:1:36: shops[1].name: duplicate name");
  CHECK(failure("shops: [{name: '', url: /a}]") ==
        "demo.yml:1:16: shops[0].name: expected 1 to 40 bytes");
  CHECK(failure("shops: [{name: a, url: /a, collector: {stok: {}}}]") ==
        "demo.yml:1:40: shops[0].collector.stok: unknown key, did you mean \"stock\"?");
  CHECK(failure("shops: [{name: a, url: /a, collector: {stock: {interval: 1ms}}}]") ==
        "demo.yml:1:58: shops[0].collector.stock.interval: expected a duration of at least 1s");
  CHECK(failure("shops: [{name: a, url: /a, collector: {local: {interval: 1m}}}]") ==
        "demo.yml:1:58: shops[0].collector.local.interval: this collector runs on each scrape");
  CHECK(failure("shops: [{name: a, url: /a, collector: {stock: {timeout: 0s}}}]") ==
        "demo.yml:1:57: shops[0].collector.stock.timeout: expected a duration of at least 1s");
  CHECK(failure("shops: [{name: a, url: /a}]", {{"collector.orders.timeout", {"1ms"}}}) ==
        "--collector.orders.timeout: expected a duration of at least 1s");
  CHECK(failure("shops: [{name: a, url: /a}]", {{"collector.orders.interval", {"0s"}}}) ==
        "--collector.orders.interval: expected a duration of at least 1s");
  CHECK(failure("shops: [{name: a, url: /on_scrape}]", {{"collector.stock.interval", {"soon"}}}) ==
        "--collector.stock.interval: expected a duration such as 5s or 1m30s");
}
