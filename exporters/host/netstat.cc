#include <map>

#include "exporters/host/foreign_layout.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr MetricView kMetrics[] = {
    {MetricType::untyped,
     "node_netstat_<field>",
     "A counter of /proc/net/netstat, snmp and snmp6 that --collector.netstat.fields selects.",
     {}},
};

constexpr Flag kFields{
    "collector.netstat.fields",
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|"
    "Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|"
    "TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|"
    "Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
    "Regexp of fields to return for netstat collector."};
constexpr Flag kFlags[] = {kFields};

struct Field {
  std::string name, help;  ///< empty if the filter excludes it
};

class Netstat {
 public:
  explicit Netstat(const Host& host)
      : proc_(host.proc()),
        netstat_(host.network("netstat")),
        snmp_(host.network("snmp")),
        snmp6_(host.network("snmp6")),
        filter_(host.settings, kFields.name, {}) {}

  void collect(Samples& samples, const Deadline&) {
    read_tables(samples, netstat_);
    read_tables(samples, snmp_);
    read_list(samples, snmp6_);
  }

 private:
  /// A table has two lines: "Tcp: ActiveOpens InSegs" and "Tcp: 1 2". In gVisor a file may end
  /// after the names.
  void read_tables(Samples& samples, const std::string& path) {
    const auto text = proc_.read_filled(path);
    Lines lines(proc_.path(path), text.value_or(""));
    std::string_view names, values;
    while (lines.next(names)) {
      const auto& fields = fields_of(names);
      const auto protocol = next_word(names);
      if (!lines.next(values)) return foreign_.say(proc_.path(path), "values below the names");
      if (next_word(values) != protocol) {
        lines.fail("expected the values of " + std::string(protocol));
      }
      for (const auto& field : fields) add(samples, lines, field, next_word(values));
      if (!trim(values).empty()) lines.fail("more values than names");
    }
  }

  /// A line is "Ip6InReceives 1".
  void read_list(Samples& samples, const std::string& path) {
    const auto text = proc_.read_filled(path);
    Lines lines(proc_.path(path), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      for (const auto& field : fields_of(next_word(line))) {
        add(samples, lines, field, next_word(line));
      }
    }
  }

  static void add(Samples& samples, const Lines& lines, const Field& field,
                  std::string_view value) {
    if (value.empty()) lines.fail("a value is missing");
    if (field.name.empty()) return;
    samples.add_named(MetricType::untyped, field.name, field.help, lines.number(value));
  }

  /// The fields of a line of names, or of one name in the list. The filter is applied once to each.
  const std::vector<Field>& fields_of(std::string_view names) {
    if (const auto known = fields_.find(names); known != fields_.end()) return known->second;
    if (fields_.size() >= kMostKnown) fields_.clear();
    auto& fields = fields_[std::string(names)];
    auto protocol = next_word(names);
    if (protocol.ends_with(':')) {
      protocol.remove_suffix(1);
      for (auto name = next_word(names); !name.empty(); name = next_word(names)) {
        fields.push_back(field(protocol, name));
      }
    } else if (const auto six = protocol.find('6'); six != std::string_view::npos) {
      fields.push_back(field(protocol.substr(0, six + 1), protocol.substr(six + 1)));
    }
    return fields;
  }

  Field field(std::string_view protocol, std::string_view name) const {
    const std::string of(protocol), in(name);
    if (!filter_.passes(of + '_' + in)) return {};
    return {"node_netstat_" + of + '_' + in, "Statistic " + of + in + '.'};
  }

  static constexpr std::size_t kMostKnown = 1024;

  Files proc_;
  std::string netstat_, snmp_, snmp6_;
  Filter filter_;
  ForeignLayout foreign_;
  std::map<std::string, std::vector<Field>, std::less<>> fields_;
};

}  // namespace

extern constinit const Module kNetstat{"netstat", Module::Default::on, kMetrics, kFlags,
                                       make<Netstat>};

}  // namespace exporter::host
