#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A count, and its name in xfrm_stat (Documentation/networking/xfrm_proc.rst).
struct Count {
  Metric<0> metric;
  std::string_view name;
};
constexpr Count kCounts[] = {
    {counter("node_xfrm_in_error_packets_total", "All errors not matched by other"), "XfrmInError"},
    {counter("node_xfrm_in_buffer_error_packets_total", "No buffer is left"), "XfrmInBufferError"},
    {counter("node_xfrm_in_hdr_error_packets_total", "Header error"), "XfrmInHdrError"},
    {counter(
         "node_xfrm_in_no_states_packets_total",
         "No state is found i.e. Either inbound SPI, address, or IPsec protocol at SA is wrong"),
     "XfrmInNoStates"},
    {counter("node_xfrm_in_state_proto_error_packets_total",
             "Transformation protocol specific error e.g. SA key is wrong"),
     "XfrmInStateProtoError"},
    {counter("node_xfrm_in_state_mode_error_packets_total", "Transformation mode specific error"),
     "XfrmInStateModeError"},
    {counter("node_xfrm_in_state_seq_error_packets_total",
             "Sequence error i.e. Sequence number is out of window"),
     "XfrmInStateSeqError"},
    {counter("node_xfrm_in_state_expired_packets_total", "State is expired"), "XfrmInStateExpired"},
    {counter("node_xfrm_in_state_mismatch_packets_total",
             "State has mismatch option e.g. UDP encapsulation type is mismatch"),
     "XfrmInStateMismatch"},
    {counter("node_xfrm_in_state_invalid_packets_total", "State is invalid"), "XfrmInStateInvalid"},
    {counter("node_xfrm_in_tmpl_mismatch_packets_total",
             "No matching template for states e.g. Inbound SAs are correct but SP rule is wrong"),
     "XfrmInTmplMismatch"},
    {counter("node_xfrm_in_no_pols_packets_total",
             "No policy is found for states e.g. Inbound SAs are correct but no SP is found"),
     "XfrmInNoPols"},
    {counter("node_xfrm_in_pol_block_packets_total", "Policy discards"), "XfrmInPolBlock"},
    {counter("node_xfrm_in_pol_error_packets_total", "Policy error"), "XfrmInPolError"},
    {counter("node_xfrm_out_error_packets_total", "All errors which is not matched others"),
     "XfrmOutError"},
    {counter("node_xfrm_out_bundle_gen_error_packets_total", "Bundle generation error"),
     "XfrmOutBundleGenError"},
    {counter("node_xfrm_out_bundle_check_error_packets_total", "Bundle check error"),
     "XfrmOutBundleCheckError"},
    {counter("node_xfrm_out_no_states_packets_total", "No state is found"), "XfrmOutNoStates"},
    {counter("node_xfrm_out_state_proto_error_packets_total",
             "Transformation protocol specific error"),
     "XfrmOutStateProtoError"},
    {counter("node_xfrm_out_state_mode_error_packets_total", "Transformation mode specific error"),
     "XfrmOutStateModeError"},
    {counter("node_xfrm_out_state_seq_error_packets_total",
             "Sequence error i.e. Sequence number overflow"),
     "XfrmOutStateSeqError"},
    {counter("node_xfrm_out_state_expired_packets_total", "State is expired"),
     "XfrmOutStateExpired"},
    {counter("node_xfrm_out_pol_block_packets_total", "Policy discards"), "XfrmOutPolBlock"},
    {counter("node_xfrm_out_pol_dead_packets_total", "Policy is dead"), "XfrmOutPolDead"},
    {counter("node_xfrm_out_pol_error_packets_total", "Policy error"), "XfrmOutPolError"},
    {counter("node_xfrm_fwd_hdr_error_packets_total", "Forward routing of a packet is not allowed"),
     "XfrmFwdHdrError"},
    {counter("node_xfrm_out_state_invalid_packets_total", "State is invalid, perhaps expired"),
     "XfrmOutStateInvalid"},
    {counter("node_xfrm_acquire_error_packets_total",
             "State hasn\u2019t been fully acquired before use"),
     "XfrmAcquireError"},
};
constexpr auto kMetrics = families(kCounts);

class Xfrm {
 public:
  explicit Xfrm(const Host& host) : proc_(host.proc()), path_(host.network("xfrm_stat")) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled(path_);
    if (!text) return;
    Lines lines(proc_.path(path_), *text);
    for (std::string_view line; lines.next(line);) {
      const auto name = next_word(line);
      const auto value = static_cast<double>(lines.integer(next_word(line)));
      for (const auto& count : kCounts) {
        if (count.name == name) samples.add(count.metric, value);
      }
    }
  }

 private:
  Files proc_;
  std::string path_;
};

}  // namespace

extern constinit const Module kXfrm{"xfrm", Module::Default::off, kMetrics, {}, make<Xfrm>};

}  // namespace exporter::host
