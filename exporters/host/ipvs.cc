#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr Metric<0> kTotals[] = {
    counter("node_ipvs_connections_total", "The total number of connections made."),
    counter("node_ipvs_incoming_packets_total", "The total number of incoming packets."),
    counter("node_ipvs_outgoing_packets_total", "The total number of outgoing packets."),
    counter("node_ipvs_incoming_bytes_total", "The total amount of incoming data."),
    counter("node_ipvs_outgoing_bytes_total", "The total amount of outgoing data."),
};

constexpr std::string_view kLabels[] = {"local_address", "local_port", "remote_address",
                                        "remote_port",   "proto",      "local_mark"};
constexpr MetricView kActive{MetricType::gauge, "node_ipvs_backend_connections_active",
                             "The current active connections by local and remote address.",
                             kLabels};
constexpr MetricView kInactive{MetricType::gauge, "node_ipvs_backend_connections_inactive",
                               "The current inactive connections by local and remote address.",
                               kLabels};
constexpr MetricView kWeight{MetricType::gauge, "node_ipvs_backend_weight",
                             "The current backend weight by local and remote address.", kLabels};
constexpr MetricView kMetrics[] = {kTotals[0], kTotals[1], kTotals[2], kTotals[3],
                                   kTotals[4], kActive,    kInactive,  kWeight};

constexpr std::string_view kBackendLabels = "collector.ipvs.backend-labels";
constexpr Flag kFlags[] = {{kBackendLabels,
                            "local_address,local_port,remote_address,remote_port,proto,local_mark",
                            "Comma separated list for IPVS backend stats labels."}};

/// A virtual service: the line before those of its backends.
struct Service {
  std::string protocol, address, port, mark;
};

struct Backend {
  double active = 0, inactive = 0, weight = 0;
};

/// "0A000001:0050" and "[2001:0db8:0000:0000:0000:0000:0000:0001]:0050", in hexadecimal.
std::pair<std::string, std::string> parse_endpoint(const Lines& lines, std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) lines.fail("expected an address and a port");
  const auto port = lines.integer(text.substr(colon + 1), 16);
  const auto address = text.substr(0, colon);
  std::array<char, INET6_ADDRSTRLEN> plain{};
  if (address.starts_with('[') && address.ends_with(']')) {
    in6_addr in{};
    const std::string inside(address.substr(1, address.size() - 2));
    if (::inet_pton(AF_INET6, inside.c_str(), &in) != 1) lines.fail("expected an IPv6 address");
    ::inet_ntop(AF_INET6, &in, plain.data(), plain.size());
  } else {
    const auto number = lines.integer(address, 16);
    if (number > UINT32_MAX) lines.fail("expected an IPv4 address");
    const in_addr in{htonl(static_cast<std::uint32_t>(number))};
    ::inet_ntop(AF_INET, &in, plain.data(), plain.size());
  }
  return {plain.data(), std::to_string(port)};
}

/// The labels of backends, in the order of kLabels.
std::vector<std::size_t> chosen_labels(const Settings& settings) {
  std::vector<std::size_t> chosen;
  for (std::string_view rest = settings.text(kBackendLabels); !rest.empty();) {
    const auto label = trim(next_part(rest, ','));
    if (label.empty()) continue;
    const auto known = std::ranges::find(kLabels, label);
    if (known == std::end(kLabels)) {
      settings.fail(kBackendLabels, "\"" + std::string(label) + "\" is no label of a backend");
    }
    chosen.push_back(static_cast<std::size_t>(known - std::begin(kLabels)));
  }
  std::ranges::sort(chosen);
  const auto repeated = std::ranges::unique(chosen);
  chosen.erase(repeated.begin(), repeated.end());
  return chosen;
}

class Ipvs {
 public:
  explicit Ipvs(const Host& host)
      : proc_(host.proc()),
        totals_path_(host.network("ip_vs_stats")),
        backends_path_(host.network("ip_vs")),
        chosen_(chosen_labels(host.settings)) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled(totals_path_);
    if (!text) return;
    Lines lines(proc_.path(totals_path_), *text);
    std::string_view line;
    lines.next(line);  // two header lines
    lines.next(line);
    if (!lines.next(line)) lines.fail("the line of totals is missing");
    for (const auto& metric : kTotals) {
      samples.add(metric, static_cast<double>(lines.integer(next_word(line), 16)));
    }
    for (const auto& [values, backend] : read_backends()) add(samples, values, backend);
  }

 private:
  /// The sums over backends with the same label values.
  std::map<std::vector<std::string>, Backend> read_backends() {
    std::map<std::vector<std::string>, Backend> backends;
    const auto text = proc_.read_filled(backends_path_);
    Lines lines(proc_.path(backends_path_), text.value_or(""));
    Service service;
    for (std::string_view line; lines.next(line);) {
      const auto word = next_word(line);
      if (word == "IP" || word == "Prot") continue;  // the headers
      if (word != "->") {
        service = parse_service(lines, word, line);
        continue;
      }
      const auto endpoint = next_word(line);
      if (endpoint == "RemoteAddress:Port") continue;
      const auto [address, port] = parse_endpoint(lines, endpoint);
      next_word(line);  // the forwarding method
      const std::string all[] = {service.address,  service.port, address, port,
                                 service.protocol, service.mark};
      std::vector<std::string> values;
      for (const auto label : chosen_) values.push_back(all[label]);
      auto& backend = backends[values];
      backend.weight += lines.number(next_word(line));
      backend.active += lines.number(next_word(line));
      backend.inactive += lines.number(next_word(line));
    }
    return backends;
  }

  /// "TCP  0A000001:0050 wlc" or "FWM  00000001 wlc".
  static Service parse_service(const Lines& lines, std::string_view protocol,
                               std::string_view rest) {
    const auto endpoint = next_word(rest);
    if (protocol == "FWM") return {std::string(protocol), "", "0", std::string(endpoint)};
    auto [address, port] = parse_endpoint(lines, endpoint);
    return {std::string(protocol), std::move(address), std::move(port), ""};
  }

  void add(Samples& samples, const std::vector<std::string>& values, const Backend& backend) const {
    std::vector<Label> labels;
    for (std::size_t i = 0; i < values.size(); ++i) {
      labels.push_back({kLabels[chosen_[i]], values[i]});
    }
    samples.add_named(kActive.type, kActive.name, kActive.help, backend.active, labels);
    samples.add_named(kInactive.type, kInactive.name, kInactive.help, backend.inactive, labels);
    samples.add_named(kWeight.type, kWeight.name, kWeight.help, backend.weight, labels);
  }

  Files proc_;
  std::string totals_path_, backends_path_;
  std::vector<std::size_t> chosen_;
};

}  // namespace

extern constinit const Module kIpvs{"ipvs", Module::Default::on, kMetrics, kFlags, make<Ipvs>};

}  // namespace exporter::host
