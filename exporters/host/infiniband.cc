#include "exporters/host/module.h"

namespace exporter::host {
namespace {

consteval auto of_port(std::string_view name, std::string_view help) {
  return counter(name, help, "device", "port");
}

constexpr auto kInfo =
    info("node_infiniband_info",
         "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.", "device",
         "board_id", "firmware_version", "hca_type");
constexpr auto kState =
    gauge("node_infiniband_state_id",
          "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: "
          "act defer)",
          "device", "port");
constexpr auto kPhysicalState =
    gauge("node_infiniband_physical_state_id",
          "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, "
          "4: shift, 5: link up, 6: link error recover, 7: phytest)",
          "device", "port");
constexpr auto kRate = gauge("node_infiniband_rate_bytes_per_second",
                             "Maximum signal transfer rate", "device", "port");
constexpr auto kLifespan =
    gauge("node_infiniband_lifespan_seconds",
          "The maximum period in ms which defines the aging of the counter reads. Two consecutive "
          "reads within this period might return the same values.",
          "device", "port");

/// A count, and its file below the port (Documentation/ABI/stable/sysfs-class-infiniband).
struct Count {
  Metric<2> metric;
  std::string_view file;
};
constexpr Count kCounts[] = {
    {of_port("node_infiniband_legacy_multicast_packets_received_total",
             "Number of multicast packets received"),
     "counters_ext/port_multicast_rcv_packets"},
    {of_port("node_infiniband_legacy_multicast_packets_transmitted_total",
             "Number of multicast packets transmitted"),
     "counters_ext/port_multicast_xmit_packets"},
    {of_port("node_infiniband_legacy_data_received_bytes_total",
             "Number of data octets received on all links"),
     "counters_ext/port_rcv_data_64"},
    {of_port("node_infiniband_legacy_packets_received_total",
             "Number of data packets received on all links"),
     "counters_ext/port_rcv_packets_64"},
    {of_port("node_infiniband_legacy_unicast_packets_received_total",
             "Number of unicast packets received"),
     "counters_ext/port_unicast_rcv_packets"},
    {of_port("node_infiniband_legacy_unicast_packets_transmitted_total",
             "Number of unicast packets transmitted"),
     "counters_ext/port_unicast_xmit_packets"},
    {of_port("node_infiniband_legacy_data_transmitted_bytes_total",
             "Number of data octets transmitted on all links"),
     "counters_ext/port_xmit_data_64"},
    {of_port("node_infiniband_legacy_packets_transmitted_total",
             "Number of data packets received on all links"),
     "counters_ext/port_xmit_packets_64"},
    {of_port("node_infiniband_excessive_buffer_overrun_errors_total",
             "Number of times that OverrunErrors consecutive flow control update periods occurred, "
             "each having at least one overrun error."),
     "counters/excessive_buffer_overrun_errors"},
    {of_port("node_infiniband_link_downed_total",
             "Number of times the link failed to recover from an error state and went down"),
     "counters/link_downed"},
    {of_port("node_infiniband_link_error_recovery_total",
             "Number of times the link successfully recovered from an error state"),
     "counters/link_error_recovery"},
    {of_port("node_infiniband_local_link_integrity_errors_total",
             "Number of times that the count of local physical errors exceeded the threshold "
             "specified by LocalPhyErrors."),
     "counters/local_link_integrity_errors"},
    {of_port("node_infiniband_multicast_packets_received_total",
             "Number of multicast packets received (including errors)"),
     "counters/multicast_rcv_packets"},
    {of_port("node_infiniband_multicast_packets_transmitted_total",
             "Number of multicast packets transmitted (including errors)"),
     "counters/multicast_xmit_packets"},
    {of_port("node_infiniband_port_constraint_errors_received_total",
             "Number of packets received on the switch physical port that are discarded"),
     "counters/port_rcv_constraint_errors"},
    {of_port("node_infiniband_port_constraint_errors_transmitted_total",
             "Number of packets not transmitted from the switch physical port"),
     "counters/port_xmit_constraint_errors"},
    {of_port("node_infiniband_port_data_received_bytes_total",
             "Number of data octets received on all links"),
     "counters/port_rcv_data"},
    {of_port("node_infiniband_port_data_transmitted_bytes_total",
             "Number of data octets transmitted on all links"),
     "counters/port_xmit_data"},
    {of_port(
         "node_infiniband_port_discards_received_total",
         "Number of inbound packets discarded by the port because the port is down or congested"),
     "counters/port_rcv_discards"},
    {of_port(
         "node_infiniband_port_discards_transmitted_total",
         "Number of outbound packets discarded by the port because the port is down or congested"),
     "counters/port_xmit_discards"},
    {of_port("node_infiniband_port_errors_received_total",
             "Number of packets containing an error that were received on this port"),
     "counters/port_rcv_errors"},
    {of_port("node_infiniband_port_packets_received_total",
             "Number of packets received on all VLs by this port (including errors)"),
     "counters/port_rcv_packets"},
    {of_port("node_infiniband_port_packets_transmitted_total",
             "Number of packets transmitted on all VLs from this port (including errors)"),
     "counters/port_xmit_packets"},
    {of_port("node_infiniband_port_transmit_wait_total",
             "Number of ticks during which the port had data to transmit but no data was sent "
             "during the entire tick"),
     "counters/port_xmit_wait"},
    {of_port("node_infiniband_unicast_packets_received_total",
             "Number of unicast packets received (including errors)"),
     "counters/unicast_rcv_packets"},
    {of_port("node_infiniband_unicast_packets_transmitted_total",
             "Number of unicast packets transmitted (including errors)"),
     "counters/unicast_xmit_packets"},
    {of_port("node_infiniband_port_receive_remote_physical_errors_total",
             "Number of packets marked with the EBP (End of Bad Packet) delimiter received on the "
             "port."),
     "counters/port_rcv_remote_physical_errors"},
    {of_port("node_infiniband_port_receive_switch_relay_errors_total",
             "Number of packets that could not be forwarded by the switch."),
     "counters/port_rcv_switch_relay_errors"},
    {of_port("node_infiniband_symbol_error_total",
             "Number of minor link errors detected on one or more physical lanes."),
     "counters/symbol_error"},
    {of_port("node_infiniband_vl15_dropped_total",
             "Number of incoming VL15 packets dropped due to resource limitations."),
     "counters/VL15_dropped"},
    {of_port("node_infiniband_duplicate_requests_packets_total",
             "The number of received packets. A duplicate request is a request that had been "
             "previously executed."),
     "hw_counters/duplicate_request"},
    {of_port("node_infiniband_implied_nak_seq_errors_total",
             "The number of time the requested decided an ACK. with a PSN larger than the expected "
             "PSN for an RDMA read or response."),
     "hw_counters/implied_nak_seq_err"},
    {of_port("node_infiniband_local_ack_timeout_errors_total",
             "The number of times QP's ack timer expired for RC, XRC, DCT QPs at the sender side. "
             "The QP retry limit was not exceed, therefore it is still recoverable error."),
     "hw_counters/local_ack_timeout_err"},
    {of_port(
         "node_infiniband_np_cnp_packets_sent_total",
         "The number of CNP packets sent by the Notification Point when it noticed congestion "
         "experienced in the RoCEv2 IP header (ECN bits). The counters was added in MLNX_OFED 4.1"),
     "hw_counters/np_cnp_sent"},
    {of_port("node_infiniband_np_ecn_marked_roce_packets_received_total",
             "The number of RoCEv2 packets received by the notification point which were marked "
             "for experiencing the congestion (ECN bits where '11' on the ingress RoCE traffic) . "
             "The counters was added in MLNX_OFED 4.1"),
     "hw_counters/np_ecn_marked_roce_packets"},
    {of_port("node_infiniband_out_of_buffer_drops_total",
             "The number of drops occurred due to lack of WQE for the associated QPs."),
     "hw_counters/out_of_buffer"},
    {of_port("node_infiniband_out_of_sequence_packets_received_total",
             "The number of out of sequence packets received."),
     "hw_counters/out_of_sequence"},
    {of_port(
         "node_infiniband_packet_sequence_errors_total",
         "The number of received NAK sequence error packets. The QP retry limit was not exceeded."),
     "hw_counters/packet_seq_err"},
    {of_port("node_infiniband_req_cqes_errors_total",
             "The number of times requester detected CQEs completed with errors. The counters was "
             "added in MLNX_OFED 4.1"),
     "hw_counters/req_cqe_error"},
    {of_port("node_infiniband_req_cqes_flush_errors_total",
             "The number of times requester detected CQEs completed with flushed errors. The "
             "counters was added in MLNX_OFED 4.1"),
     "hw_counters/req_cqe_flush_error"},
    {of_port("node_infiniband_req_remote_access_errors_total",
             "The number of times requester detected remote access errors. The counters was added "
             "in MLNX_OFED 4.1"),
     "hw_counters/req_remote_access_errors"},
    {of_port("node_infiniband_req_remote_invalid_request_errors_total",
             "The number of times requester detected remote invalid request errors. The counters "
             "was added in MLNX_OFED 4.1"),
     "hw_counters/req_remote_invalid_request"},
    {of_port("node_infiniband_resp_cqes_errors_total",
             "The number of times responder detected CQEs completed with errors. The counters was "
             "added in MLNX_OFED 4.1"),
     "hw_counters/resp_cqe_error"},
    {of_port("node_infiniband_resp_cqes_flush_errors_total",
             "The number of times responder detected CQEs completed with flushed errors. The "
             "counters was added in MLNX_OFED 4.1"),
     "hw_counters/resp_cqe_flush_error"},
    {of_port("node_infiniband_resp_local_length_errors_total",
             "The number of times responder detected local length errors. The counters was added "
             "in MLNX_OFED 4.1"),
     "hw_counters/resp_local_length_error"},
    {of_port("node_infiniband_resp_remote_access_errors_total",
             "The number of times responder detected remote access errors. The counters was added "
             "in MLNX_OFED 4.1"),
     "hw_counters/resp_remote_access_errors"},
    {of_port("node_infiniband_rnr_nak_retry_packets_received_total",
             "The number of received RNR NAK packets. The QP retry limit was not exceeded."),
     "hw_counters/rnr_nak_retry_err"},
    {of_port("node_infiniband_roce_adp_retransmits_total",
             "The number of adaptive retransmissions for RoCE traffic. The counter was added in "
             "MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0"),
     "hw_counters/roce_adp_retrans"},
    {of_port("node_infiniband_roce_adp_retransmits_timeout_total",
             "The number of times RoCE traffic reached timeout due to adaptive retransmission. The "
             "counter was added in MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0"),
     "hw_counters/roce_adp_retrans_to"},
    {of_port("node_infiniband_roce_slow_restart_used_total",
             "The number of times RoCE slow restart was used. The counter was added in MLNX_OFED "
             "rev 5.0-1.0.0.0 and kernel v5.6.0"),
     "hw_counters/roce_slow_restart"},
    {of_port("node_infiniband_roce_slow_restart_cnps_total",
             "The number of times RoCE slow restart generated CNP packets. The counter was added "
             "in MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0"),
     "hw_counters/roce_slow_restart_cnps"},
    {of_port("node_infiniband_roce_slow_restart_total",
             "The number of times RoCE slow restart changed state to slow restart. The counter was "
             "added in MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0"),
     "hw_counters/roce_slow_restart_trans"},
    {of_port("node_infiniband_rp_cnp_packets_handled_total",
             "The number of CNP packets handled by the Reaction Point HCA to throttle the "
             "transmission rate. The counters was added in MLNX_OFED 4.1"),
     "hw_counters/rp_cnp_handled"},
    {of_port("node_infiniband_rp_cnp_ignored_packets_received_total",
             "The number of CNP packets received and ignored by the Reaction Point HCA. This "
             "counter should not raise if RoCE Congestion Control was enabled in the network. If "
             "this counter raise, verify that ECN was enabled on the adapter."),
     "hw_counters/rp_cnp_ignored"},
    {of_port("node_infiniband_rx_atomic_requests_total",
             "The number of received ATOMIC request for the associated QPs."),
     "hw_counters/rx_atomic_requests"},
    {of_port("node_infiniband_rx_dct_connect_requests_total",
             "The number of received connection requests for the associated DCTs."),
     "hw_counters/rx_dct_connect"},
    {of_port("node_infiniband_rx_read_requests_total",
             "The number of received READ requests for the associated QPs."),
     "hw_counters/rx_read_requests"},
    {of_port("node_infiniband_rx_write_requests_total",
             "The number of received WRITE requests for the associated QPs."),
     "hw_counters/rx_write_requests"},
    {of_port("node_infiniband_rx_icrc_encapsulated_errors_total",
             "The number of RoCE packets with ICRC errors. This counter was added in MLNX_OFED 4.4 "
             "and kernel 4.19"),
     "hw_counters/rx_icrc_encapsulated"},
};
constexpr auto kMetrics = families(kCounts, kInfo, kState, kPhysicalState, kRate, kLifespan);

constexpr Flag kInclude{
    "collector.infiniband.device-include", "",
    "Regexp of infiniband devices to include (not together with device-exclude)."};
constexpr Flag kExclude{
    "collector.infiniband.device-exclude", "",
    "Regexp of infiniband devices to exclude (not together with device-include)."};
constexpr Flag kFlags[] = {kInclude, kExclude};

constexpr std::string_view kRoot = "class/infiniband/";
constexpr double kBytesOfGigabit = 1e9 / 8;

/// The data counters count one of the four lanes of a link.
bool is_of_a_lane(std::string_view file) { return file.find("_data") != file.npos; }

class Infiniband {
 public:
  explicit Infiniband(const Host& host)
      : sys_(host.sys()), filter_(host.settings, kInclude.name, kExclude.name) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& device : sys_.list(kRoot)) {
      if (!filter_.passes(device)) continue;
      const auto directory = std::string(kRoot) + device + '/';
      const std::string board(sys_.line(directory + "board_id").value_or(""));
      const std::string firmware(sys_.line(directory + "fw_ver").value_or(""));
      samples.add(kInfo, 1, device, board, firmware,
                  sys_.line(directory + "hca_type").value_or(""));
      for (const auto& port : sys_.list(directory + "ports")) {
        add_port(samples, directory + "ports/" + port + '/', device, port);
      }
    }
  }

 private:
  void add_port(Samples& samples, const std::string& directory, const std::string& device,
                const std::string& port) {
    add_first_number(samples, kState, directory + "state", ':', 1, device, port);
    add_first_number(samples, kPhysicalState, directory + "phys_state", ':', 1, device, port);
    add_first_number(samples, kRate, directory + "rate", ' ', kBytesOfGigabit, device, port);
    for (const auto& [metric, file] : kCounts) {
      const auto path = directory + std::string(file);
      const auto text = sys_.line(path);
      Lines lines(sys_.path(path), text.value_or(""));
      std::string_view line;
      if (!lines.next(line) || line.starts_with("N/A")) continue;
      const auto value = lines.integer(line);
      samples.add(metric, static_cast<double>(is_of_a_lane(file) ? value * 4 : value), device,
                  port);
    }
    if (const auto period = sys_.number(directory + "hw_counters/lifespan")) {
      samples.add(kLifespan, *period / 1000, device, port);
    }
  }

  /// "4: ACTIVE" and "100 Gb/sec (4X EDR)".
  void add_first_number(Samples& samples, const Metric<2>& metric, const std::string& path,
                        char end, double factor, const std::string& device,
                        const std::string& port) {
    const auto text = sys_.line(path);
    if (!text) return;
    Lines lines(sys_.path(path), *text);
    std::string_view line;
    lines.next(line);
    samples.add(metric, lines.number(next_part(line, end)) * factor, device, port);
  }

  Files sys_;
  Filter filter_;
};

}  // namespace

extern constinit const Module kInfiniband{"infiniband", Module::Default::on, kMetrics, kFlags,
                                          make<Infiniband>};

}  // namespace exporter::host
