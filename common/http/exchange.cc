#include "common/http/exchange.h"

#include <algorithm>
#include <random>
#include <utility>

#include "common/base/text.h"
#include "common/http/client_request.h"

namespace exporter::http {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostOrigin = 200;  // bytes in an error

double random_fraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>{0, 1}(generator);
}

bool is_worth_repeating(const ClientRequest& request, const Attempt& attempt) {
  if (!attempt.failure) {
    const auto status = attempt.response.status;
    return is_transient(status) && may_repeat(request) && status != request.final_status;
  }
  switch (attempt.failure->again) {
    case Failure::Again::never: return false;
    case Failure::Again::if_repeatable: return may_repeat(request);
    case Failure::Again::always: return true;
  }
  return false;
}

/// Waits until the next attempt may be made; false if that is not before the deadline. A stop ends
/// the wait; the next check reports it.
bool waited(milliseconds pause, Clock::time_point next_turn, const Deadline& deadline) {
  const auto now = Clock::now();
  const auto until = std::max(now + pause, next_turn);
  if (until >= deadline.when()) return false;
  exporter::pause(until - now, deadline.stop());
  return deadline.stop().stop_requested() || Clock::now() < deadline.when();
}

ClientRequest follow(ClientRequest request, Attempt attempt, const std::string& origin,
                     const std::string& what) {
  if (attempt.redirect->origin != origin) {
    throw Error(Reason::http_status, what + ": redirected to " +
                                         printable(attempt.redirect->origin, kMostOrigin) +
                                         ", which is not followed: another scheme, host or port");
  }
  return redirected(std::move(request), attempt.response.status,
                    std::move(attempt.redirect->target));
}

void check(const Deadline& deadline, const std::string& what) {
  try {
    deadline.check();
  } catch (const Error& error) {
    throw Error(error.reason(), what + ": " + error.what());
  }
}

}  // namespace

ClientResponse exchange(ClientRequest request, const std::string& origin,
                        const ClientOptions& options, const Deadline& deadline, const Pace& pace,
                        const TryOnce& try_once) {
  std::size_t redirects = 0;
  bool failed = false, renewed = false;
  for (int tries = 1;;) {
    const std::string what = describe(request.method, origin, request.target);
    check(deadline, what);
    const bool may_fail = may_repeat(request) && tries < options.retry.attempts && !failed;
    Attempt attempt = try_once(request, may_fail ? Connection::kept : Connection::fresh);
    failed = failed || attempt.failure;
    if (attempt.redirect) {
      if (++redirects > options.max_redirects) {
        throw Error(Reason::http_status,
                    what + ": more than " + std::to_string(options.max_redirects) + " redirects");
      }
      request = follow(std::move(request), std::move(attempt), origin, what);
    } else if (attempt.has_new_credentials && !renewed) {
      renewed = true;
    } else if (tries < options.retry.attempts && is_worth_repeating(request, attempt) &&
               waited(pause_before(options.retry, tries, random_fraction()),
                      pace.next_turn(options.urgency), deadline)) {
      ++tries;
      if (!request.repeat_target.empty()) request.target = std::move(request.repeat_target);
      request.repeat_target.clear();
    } else if (attempt.failure) {
      throw Error(attempt.failure->reason, what + ": " + attempt.failure->why,
                  attempt.failure->not_before);
    } else {
      return std::move(attempt.response);
    }
  }
}

}  // namespace exporter::http
