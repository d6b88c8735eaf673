#include <span>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kPackets =
    counter("node_nfs_packets_total",
            "Total NFSd network packets (sent+received) by protocol type.", "protocol");
constexpr auto kConnections =
    counter("node_nfs_connections_total", "Total number of NFSd TCP connections.");
constexpr auto kRpcs = counter("node_nfs_rpcs_total", "Total number of RPCs performed.");
constexpr auto kRetransmissions =
    counter("node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed.");
constexpr auto kRefreshes = counter("node_nfs_rpc_authentication_refreshes_total",
                                    "Number of RPC authentication refreshes performed.");
constexpr auto kRequests =
    counter("node_nfs_requests_total", "Number of NFS procedures invoked.", "proto", "method");
constexpr MetricView kMetrics[] = {kPackets,         kConnections, kRpcs,
                                   kRetransmissions, kRefreshes,   kRequests};

// The procedures in the kernel's order: fs/nfs/nfs2xdr.c, nfs3xdr.c and nfs4xdr.c.
constexpr std::string_view kVersion2[] = {
    "Null",   "GetAttr", "SetAttr", "Root", "Lookup",  "ReadLink", "Read",  "WrCache", "Write",
    "Create", "Remove",  "Rename",  "Link", "SymLink", "MkDir",    "RmDir", "ReadDir", "FsStat"};
constexpr std::string_view kVersion3[] = {
    "Null",    "GetAttr",     "SetAttr", "Lookup", "Access",   "ReadLink", "Read",   "Write",
    "Create",  "MkDir",       "SymLink", "MkNod",  "Remove",   "RmDir",    "Rename", "Link",
    "ReadDir", "ReadDirPlus", "FsStat",  "FsInfo", "PathConf", "Commit"};
constexpr std::string_view kVersion4[] = {"Null",
                                          "Read",
                                          "Write",
                                          "Commit",
                                          "Open",
                                          "OpenConfirm",
                                          "OpenNoattr",
                                          "OpenDowngrade",
                                          "Close",
                                          "Setattr",
                                          "FsInfo",
                                          "Renew",
                                          "SetClientID",
                                          "SetClientIDConfirm",
                                          "Lock",
                                          "Lockt",
                                          "Locku",
                                          "Access",
                                          "Getattr",
                                          "Lookup",
                                          "LookupRoot",
                                          "Remove",
                                          "Rename",
                                          "Link",
                                          "Symlink",
                                          "Create",
                                          "Pathconf",
                                          "StatFs",
                                          "ReadLink",
                                          "ReadDir",
                                          "ServerCaps",
                                          "DelegReturn",
                                          "GetACL",
                                          "SetACL",
                                          "FsLocations",
                                          "ReleaseLockowner",
                                          "Secinfo",
                                          "FsidPresent",
                                          "ExchangeID",
                                          "CreateSession",
                                          "DestroySession",
                                          "Sequence",
                                          "GetLeaseTime",
                                          "ReclaimComplete",
                                          "GetDeviceInfo",
                                          "LayoutGet",
                                          "LayoutCommit",
                                          "LayoutReturn",
                                          "SecinfoNoName",
                                          "TestStateID",
                                          "FreeStateID",
                                          "GetDeviceList",
                                          "BindConnToSession",
                                          "DestroyClientID",
                                          "Seek",
                                          "Allocate",
                                          "DeAllocate",
                                          "LayoutStats",
                                          "Clone"};

class Nfs {
 public:
  explicit Nfs(const Host& host) : proc_(host.proc()), path_(host.network("rpc/nfs")) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled(path_);
    if (!text) return;
    Lines lines(proc_.path(path_), *text);
    for (std::string_view line; lines.next(line);) {
      const auto kind = next_word(line);
      if (kind == "net") {
        next_word(line);  // the sum of the next two
        samples.add(kPackets, lines.number(next_word(line)), "udp");
        samples.add(kPackets, lines.number(next_word(line)), "tcp");
        samples.add(kConnections, lines.number(next_word(line)));
      } else if (kind == "rpc") {
        samples.add(kRpcs, lines.number(next_word(line)));
        samples.add(kRetransmissions, lines.number(next_word(line)));
        samples.add(kRefreshes, lines.number(next_word(line)));
      } else if (kind == "proc2") {
        add_requests(samples, lines, line, "2", kVersion2);
      } else if (kind == "proc3") {
        add_requests(samples, lines, line, "3", kVersion3);
      } else if (kind == "proc4") {
        add_requests(samples, lines, line, "4", kVersion4);
      }
    }
    if (samples.size() == 0) lines.fail("none of the expected counts");
  }

 private:
  /// A line has the number of values, and then the values; older kernels have fewer procedures.
  static void add_requests(Samples& samples, const Lines& lines, std::string_view line,
                           std::string_view version, std::span<const std::string_view> methods) {
    auto left = lines.integer(next_word(line));
    for (const auto method : methods) {
      samples.add(kRequests, left > 0 ? lines.number(next_word(line)) : 0, version, method);
      if (left > 0) --left;
    }
  }

  Files proc_;
  std::string path_;
};

}  // namespace

extern constinit const Module kNfs{"nfs", Module::Default::on, kMetrics, {}, make<Nfs>};

}  // namespace exporter::host
