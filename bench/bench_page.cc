// Serves bench::kSeries series as an exporter of the suite does: bench_page PORT.

#include <array>
#include <string>

#include "bench/samples.h"
#include "common/app/app.h"

using namespace exporter;

namespace {

constexpr std::size_t kEach = bench::kSeries / bench::kFamilies;

/// The single, unnamed source.
struct Tables {};

void collect(Tables&, Samples& samples, const Deadline&) {
  constexpr std::array<std::string_view, 4> kLabels = {"warehouse", "database", "schema", "table"};
  std::array<std::string, bench::kFamilies> names;
  for (std::size_t family = 0; family < bench::kFamilies; ++family) {
    names[family] = "bench_table_rows_" + std::to_string(family);
    samples.declare({MetricType::gauge, names[family], "Rows of the table.", {}});
    for (std::size_t i = 0; i < kEach; ++i) {
      const auto table = "table_" + std::to_string(i);
      const std::array<std::string_view, 4> values = {"TRANSFORMING", "ANALYTICS", "PUBLIC", table};
      samples.add({MetricType::gauge, names[family], "", kLabels}, bench::value(i), values);
    }
  }
}

constexpr Module<Tables> kTables{.name = "tables",
                                 .enabled = Module<Tables>::Default::on,
                                 .metrics = {},
                                 .flags = {},
                                 .make = run<collect, Tables>,
                                 .schedule = Every{std::chrono::hours(1), std::chrono::hours(1)},
                                 .timeout = std::chrono::minutes(1)};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  App app;
  app.name = "bench_page";
  app.description = "A page of 100,000 series.";
  app.default_listen = ":0";
  const Module<Tables>* modules[] = {&kTables};
  watch<Tables>(app, {.make = [](const SourceInputs&) { return std::make_shared<Tables>(); }},
                modules);
  const std::string listen = "--web.listen-address=127.0.0.1:" + std::string(argv[1]);
  std::array<const char*, 3> arguments = {argv[0], listen.c_str(), nullptr};
  return run(app, 2, const_cast<char**>(arguments.data()));
}
