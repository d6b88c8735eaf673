#include <map>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kThreads = gauge("node_processes_threads", "Allocated threads in system");
constexpr auto kMaxThreads = gauge("node_processes_max_threads", "Limit of threads in the system");
constexpr auto kThreadsState =
    gauge("node_processes_threads_state", "Number of threads in each state.", "thread_state");
constexpr auto kState =
    gauge("node_processes_state", "Number of processes in each state.", "state");
constexpr auto kPids = gauge("node_processes_pids", "Number of PIDs");
constexpr auto kMaxProcesses = gauge("node_processes_max_processes", "Number of max PIDs limit");
constexpr MetricView kMetrics[] = {kThreads, kMaxThreads, kThreadsState,
                                   kState,   kPids,       kMaxProcesses};

bool is_number(std::string_view text) { return parse_number<unsigned>(text).has_value(); }

/// The number of processes in each state, by the kernel's letter.
using States = std::map<char, double>;

void add_states(Samples& samples, const Metric<1>& metric, const States& states) {
  for (const auto& [state, count] : states) {
    samples.add(metric, count, std::string_view(&state, 1));
  }
}

class Processes {
 public:
  explicit Processes(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline& deadline) {
    Counts counts;
    for (const auto& name : proc_.list("")) {
      deadline.check();
      if (is_number(name)) count_process(name, counts);
    }
    if (counts.pids == 0) return;
    samples.add(kPids, counts.pids);
    samples.add(kThreads, counts.threads);
    add_states(samples, kState, counts.processes_by_state);
    add_states(samples, kThreadsState, counts.threads_by_state);
    const auto max_threads = proc_.number("sys/kernel/threads-max");
    if (max_threads) samples.add(kMaxThreads, *max_threads);
    const auto max_pids = proc_.number("sys/kernel/pid_max");
    if (max_pids) samples.add(kMaxProcesses, *max_pids);
  }

 private:
  struct Counts {
    double pids = 0, threads = 0;
    States processes_by_state, threads_by_state;
  };
  struct Status {
    char state;
    double threads;
  };

  void count_process(const std::string& pid, Counts& counts) {
    const auto status = read_status(pid + "/stat");
    if (!status) return;
    ++counts.pids;
    ++counts.processes_by_state[status->state];
    counts.threads += status->threads;
    const auto tasks = pid + "/task";
    for (const auto& task : proc_.list(tasks)) {
      if (task == pid) {
        ++counts.threads_by_state[status->state];
      } else if (const auto thread = read_status(tasks + '/' + task + "/stat")) {
        ++counts.threads_by_state[thread->state];
      }
    }
  }

  /// Fields 3 and 20 of a stat file (proc_pid_stat(5)); nothing if the process has ended.
  std::optional<Status> read_status(const std::string& path) {
    const auto text = proc_.read_once(path);
    if (!text || text->empty()) return std::nullopt;
    Lines lines(proc_.path(path), *text);
    std::string_view line;
    lines.next(line);
    // The name in field 2 may contain blanks, newlines and parentheses.
    auto fields = text->substr(std::min(text->rfind(')'), text->size() - 1) + 1);
    const auto state = next_word(fields);
    if (state.size() != 1) lines.fail("expected a state");
    for (int field = 4; field < 20; ++field) next_word(fields);
    return Status{state.front(), lines.number(next_word(fields))};
  }

  Files proc_;
};

}  // namespace

extern constinit const Module kProcesses{
    "processes", Module::Default::off, kMetrics, {}, make<Processes>};

}  // namespace exporter::host
