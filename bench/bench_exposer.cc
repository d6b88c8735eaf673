// Serves the same series by prometheus-cpp's Exposer: bench_exposer PORT.

#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <csignal>
#include <memory>
#include <string>

#include "bench/samples.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const auto registry = std::make_shared<prometheus::Registry>();
  for (std::size_t family = 0; family < bench::kFamilies; ++family) {
    auto& rows = prometheus::BuildGauge()
                     .Name("bench_table_rows_" + std::to_string(family))
                     .Help("Rows of the table.")
                     .Register(*registry);
    for (std::size_t i = 0; i < bench::kSeries / bench::kFamilies; ++i) {
      rows.Add({{"warehouse", "TRANSFORMING"},
                {"database", "ANALYTICS"},
                {"schema", "PUBLIC"},
                {"table", "table_" + std::to_string(i)}})
          .Set(bench::value(i));
    }
  }
  prometheus::Exposer exposer("127.0.0.1:" + std::string(argv[1]));
  exposer.RegisterCollectable(registry);
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}
