#include "tests/common/client_fixture.h"

#include <algorithm>

#include "common/metric/gzip.h"

using namespace exporter;

namespace {

template <class Value, class Get>
std::map<std::string, Value> by_label(const prometheus::Registry& registry,
                                      const std::string& family, const std::string& label,
                                      Get get) {
  std::map<std::string, Value> values;
  for (const auto& each : registry.Collect()) {
    if (each.name != family) continue;
    for (const auto& metric : each.metric) {
      for (const auto& [name, value] : metric.label) {
        if (name == label) values[value] = get(metric);
      }
    }
  }
  return values;
}

}  // namespace

std::map<std::string, double> ClientFixture::requests() const {
  return by_label<double>(registry, "exporter_upstream_requests_total", "code",
                          [](const auto& metric) { return metric.counter.value; });
}

std::map<std::string, std::uint64_t> ClientFixture::observations() const {
  return by_label<std::uint64_t>(registry, "exporter_upstream_request_duration_seconds", "phase",
                                 [](const auto& metric) { return metric.histogram.sample_count; });
}

std::map<std::string, double> ClientFixture::durations() const {
  return by_label<double>(registry, "exporter_upstream_request_duration_seconds", "phase",
                          [](const auto& metric) { return metric.histogram.sample_sum; });
}

http::ClientRequest request(std::string target, std::string method, std::string body) {
  http::ClientRequest result;
  result.method = std::move(method);
  result.target = std::move(target);
  result.body = std::move(body);
  return result;
}

std::string result_of(http::Client& client, http::ClientRequest each, const Deadline& deadline) {
  try {
    return "status " + std::to_string(client.send(std::move(each), deadline).status);
  } catch (const Error& error) {
    return std::string(to_string(error.reason())) + ": " + error.what();
  }
}

std::string gzip_of(std::string_view text) {
  const Deflated deflated = deflate_blocks(text, 9);
  GzipMember member;
  member.add(deflated);
  return std::string(GzipMember::header()) + deflated.bytes + member.trailer();
}
