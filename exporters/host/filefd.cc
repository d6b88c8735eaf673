#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kAllocated =
    gauge("node_filefd_allocated", "File descriptor statistics: allocated.");
constexpr auto kMaximum = gauge("node_filefd_maximum", "File descriptor statistics: maximum.");
constexpr MetricView kMetrics[] = {kAllocated, kMaximum};

constexpr std::string_view kFile = "sys/fs/file-nr";

class Filefd {
 public:
  explicit Filefd(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled(kFile);
    if (!text) return;
    Lines lines(proc_.path(kFile), *text);
    std::string_view line;
    lines.next(line);
    samples.add(kAllocated, lines.number(next_word(line)));
    next_word(line);  // always 0 since Linux 2.6
    samples.add(kMaximum, lines.number(next_word(line)));
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kFilefd{"filefd", Module::Default::on, kMetrics, {}, make<Filefd>};

}  // namespace exporter::host
