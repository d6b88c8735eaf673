#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <map>
#include <utility>

#include "exporters/host/links.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kBytes =
    counter("node_qdisc_bytes_total", "Number of bytes sent.", "device", "kind");
constexpr auto kPackets =
    counter("node_qdisc_packets_total", "Number of packets sent.", "device", "kind");
constexpr auto kDrops =
    counter("node_qdisc_drops_total", "Number of packets dropped.", "device", "kind");
constexpr auto kRequeues =
    counter("node_qdisc_requeues_total",
            "Number of packets dequeued, not transmitted, and requeued.", "device", "kind");
constexpr auto kOverlimits =
    counter("node_qdisc_overlimits_total", "Number of overlimit packets.", "device", "kind");
constexpr auto kLength =
    gauge("node_qdisc_current_queue_length", "Number of packets currently in queue to be sent.",
          "device", "kind");
constexpr auto kBacklog =
    gauge("node_qdisc_backlog", "Number of bytes currently in queue to be sent.", "device", "kind");
constexpr MetricView kMetrics[] = {kBytes,      kPackets, kDrops,  kRequeues,
                                   kOverlimits, kLength,  kBacklog};

constexpr Flag kInclude{"collector.qdisc.device-include", "",
                        "Regexp of qdisc devices to include (not together with device-exclude).",
                        Flag::Kind::value, "collector.qdisk.device-include"};
constexpr Flag kExclude{"collector.qdisc.device-exclude", "",
                        "Regexp of qdisc devices to exclude (not together with device-include).",
                        Flag::Kind::value, "collector.qdisk.device-exclude"};
constexpr Flag kFlags[] = {kInclude, kExclude};

/// A queueing discipline: struct tcmsg and its attributes, linux/rtnetlink.h.
struct Discipline {
  std::string kind;
  gnet_stats_basic sent{};
  std::uint64_t packets = 0;
  gnet_stats_queue queue{};
};

void take_statistics(Discipline& discipline, std::span<const std::byte> attributes) {
  std::optional<std::uint64_t> packets;  // the full width of the count, since Linux 5.5
  for_each_attribute(attributes, [&](auto type, auto content) {
    if (type == TCA_STATS_BASIC) discipline.sent = struct_at<gnet_stats_basic>(content);
    if (type == TCA_STATS_QUEUE) discipline.queue = struct_at<gnet_stats_queue>(content);
    if (type == TCA_STATS_PKT64) packets = struct_at<std::uint64_t>(content);
  });
  discipline.packets = packets.value_or(discipline.sent.packets);
}

class Qdisc {
 public:
  explicit Qdisc(const Host& host)
      : is_own_(host.own_network()), filter_(host.settings, kInclude.name, kExclude.name) {}

  void collect(Samples& samples, const Deadline&) {
    if (!is_own_ || !links_.open()) return;
    links_.refresh();
    std::map<int, std::string> names;
    for (const auto& link : links_.all())
      names[static_cast<int>(link.index.value_or(0))] = link.name;
    links_.netlink().dump(RTM_GETQDISC, tcmsg{}, [&](auto type, auto body) {
      const auto message = struct_at<tcmsg>(body);
      const bool is_root = message.tcm_parent == TC_H_ROOT || message.tcm_parent == TC_H_UNSPEC;
      const auto device = names.find(message.tcm_ifindex);
      if (type != RTM_NEWQDISC || body.size() < sizeof message || !is_root) return;
      if (device == names.end() || !filter_.passes(device->second)) return;
      add(samples, device->second, body.subspan(sizeof message));
    });
  }

 private:
  static void add(Samples& samples, const std::string& device,
                  std::span<const std::byte> attributes) {
    Discipline discipline;
    for_each_attribute(attributes, [&](auto type, auto content) {
      if (type == TCA_KIND) discipline.kind = text_at(content);
      if (type == TCA_STATS2) take_statistics(discipline, content);
    });
    const auto& [kind, sent, packets, queue] = discipline;
    samples.add(kBytes, static_cast<double>(sent.bytes), device, kind);
    samples.add(kPackets, static_cast<double>(packets), device, kind);
    samples.add(kDrops, queue.drops, device, kind);
    samples.add(kRequeues, queue.requeues, device, kind);
    samples.add(kOverlimits, queue.overlimits, device, kind);
    samples.add(kLength, queue.qlen, device, kind);
    samples.add(kBacklog, queue.backlog, device, kind);
  }

  bool is_own_;
  Filter filter_;
  Links links_;
};

}  // namespace

extern constinit const Module kQdisc{"qdisc", Module::Default::off, kMetrics, kFlags, make<Qdisc>};

}  // namespace exporter::host
