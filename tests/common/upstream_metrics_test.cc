#include "common/http/upstream_metrics.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

using exporter::http::UpstreamMetrics;

TEST_CASE("the metrics of upstreams are a counter by code and a histogram by phase") {
  prometheus::Registry registry;
  UpstreamMetrics metrics(registry);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) metrics.count("airflow", "200");
      });
    }
  }
  metrics.observe("airflow", "tls", 0.0625);
  metrics.observe("airflow", "tls", 0.005);
  metrics.observe("airflow", "tls", 64);
  const std::string name = "exporter_upstream_request_duration_seconds";
  const auto bucket = [&](const std::string& bound, int count) {
    return name + "_bucket{phase=\"tls\",upstream=\"airflow\",le=\"" + bound + "\"} " +
           std::to_string(count) + "\n";
  };
  CHECK(prometheus::TextSerializer().Serialize(registry.Collect()) ==
        "# HELP exporter_upstream_requests_total Requests sent to an upstream, retries included, "
        "by status code; `error` without a complete response.\n"
        "# TYPE exporter_upstream_requests_total counter\n"
        "exporter_upstream_requests_total{code=\"200\",upstream=\"airflow\"} 400\n"
        "# HELP " +
            name +
            " Duration of requests to an upstream in seconds, by phase: name_lookup, connect, "
            "tls, first_byte, total, and wait (before it, for the budget or a Retry-After); a "
            "phase that did not occur is not observed.\n"
            "# TYPE " +
            name + " histogram\n" + name + "_count{phase=\"tls\",upstream=\"airflow\"} 3\n" + name +
            "_sum{phase=\"tls\",upstream=\"airflow\"} 64.0675\n" + bucket("0.005", 1) +
            bucket("0.01", 1) + bucket("0.025", 1) + bucket("0.05", 1) + bucket("0.1", 2) +
            bucket("0.25", 2) + bucket("0.5", 2) + bucket("1", 2) + bucket("2.5", 2) +
            bucket("5", 2) + bucket("10", 2) + bucket("30", 2) + bucket("60", 2) +
            bucket("+Inf", 3));
}
