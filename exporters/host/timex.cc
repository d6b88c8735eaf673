#include <sys/timex.h>

#include <cerrno>

#include "common/base/error.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kSync = gauge("node_timex_sync_status",
                             "Is clock synchronized to a reliable server (1 = yes, 0 = no).");
constexpr auto kOffset =
    gauge("node_timex_offset_seconds", "Time offset in between local system and reference clock.");
constexpr auto kFrequency =
    gauge("node_timex_frequency_adjustment_ratio", "Local clock frequency adjustment.");
constexpr auto kMaxError = gauge("node_timex_maxerror_seconds", "Maximum error in seconds.");
constexpr auto kEstimatedError =
    gauge("node_timex_estimated_error_seconds", "Estimated error in seconds.");
constexpr auto kStatus = gauge("node_timex_status", "Value of the status array bits.");
constexpr auto kConstant =
    gauge("node_timex_loop_time_constant", "Phase-locked loop time constant.");
constexpr auto kTick = gauge("node_timex_tick_seconds", "Seconds between clock ticks.");
constexpr auto kPpsFrequency =
    gauge("node_timex_pps_frequency_hertz", "Pulse per second frequency.");
constexpr auto kPpsJitter = gauge("node_timex_pps_jitter_seconds", "Pulse per second jitter.");
constexpr auto kPpsShift =
    gauge("node_timex_pps_shift_seconds", "Pulse per second interval duration.");
constexpr auto kPpsStability =
    gauge("node_timex_pps_stability_hertz",
          "Pulse per second stability, average of recent frequency changes.");
constexpr auto kPpsJitterExceeded = counter(
    "node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events.");
constexpr auto kPpsCalibrations =
    counter("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals.");
constexpr auto kPpsErrors =
    counter("node_timex_pps_error_total", "Pulse per second count of calibration errors.");
constexpr auto kPpsStabilityExceeded =
    counter("node_timex_pps_stability_exceeded_total",
            "Pulse per second count of stability limit exceeded events.");
constexpr auto kTai =
    gauge("node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset.");
constexpr MetricView kMetrics[] = {kSync,
                                   kOffset,
                                   kFrequency,
                                   kMaxError,
                                   kEstimatedError,
                                   kStatus,
                                   kConstant,
                                   kTick,
                                   kPpsFrequency,
                                   kPpsJitter,
                                   kPpsShift,
                                   kPpsStability,
                                   kPpsJitterExceeded,
                                   kPpsCalibrations,
                                   kPpsErrors,
                                   kPpsStabilityExceeded,
                                   kTai};

constexpr double kMicrosecondsPerSecond = 1e6;
constexpr double kNanosecondsPerSecond = 1e9;
/// Frequencies come in parts per million with 16 bits of fraction (adjtimex(2), "NOTES").
constexpr double kScaledPpm = 1e6 * 65536;

class Timex {
 public:
  explicit Timex(const Host&) {}

  void collect(Samples& samples, const Deadline&) {
    timex clock{};
    const int state = ::adjtimex(&clock);
    if (state < 0 && errno == EPERM) return;  // a container's sandbox forbids even reading
    if (state < 0) throw io_error("adjtimex", errno);
    add_clock(samples, clock, state);
    add_pulse(samples, clock);
  }

 private:
  static double units_per_second(const timex& clock) {
    return (clock.status & STA_NANO) != 0 ? kNanosecondsPerSecond : kMicrosecondsPerSecond;
  }

  static void add_clock(Samples& samples, const timex& clock, int state) {
    const auto number = [](auto value) { return static_cast<double>(value); };
    samples.add(kSync, state == TIME_ERROR ? 0 : 1);
    samples.add(kOffset, number(clock.offset) / units_per_second(clock));
    samples.add(kFrequency, 1 + number(clock.freq) / kScaledPpm);
    samples.add(kMaxError, number(clock.maxerror) / kMicrosecondsPerSecond);
    samples.add(kEstimatedError, number(clock.esterror) / kMicrosecondsPerSecond);
    samples.add(kStatus, clock.status);
    samples.add(kConstant, number(clock.constant));
    samples.add(kTick, number(clock.tick) / kMicrosecondsPerSecond);
    samples.add(kTai, clock.tai);
  }

  static void add_pulse(Samples& samples, const timex& clock) {
    const auto number = [](auto value) { return static_cast<double>(value); };
    samples.add(kPpsFrequency, number(clock.ppsfreq) / kScaledPpm);
    samples.add(kPpsJitter, number(clock.jitter) / units_per_second(clock));
    samples.add(kPpsShift, clock.shift);
    samples.add(kPpsStability, number(clock.stabil) / kScaledPpm);
    samples.add(kPpsJitterExceeded, number(clock.jitcnt));
    samples.add(kPpsCalibrations, number(clock.calcnt));
    samples.add(kPpsErrors, number(clock.errcnt));
    samples.add(kPpsStabilityExceeded, number(clock.stbcnt));
  }
};

}  // namespace

extern constinit const Module kTimex{"timex", Module::Default::on, kMetrics, {}, make<Timex>};

}  // namespace exporter::host
