#include "exporters/sql/business/groups.h"
#include "exporters/sql/business/largest.h"
#include "exporters/sql/business/within.h"

namespace exporter::sql::business {
namespace {

// Emails that are old enough to have been opened, sent from nine to two days ago.
constexpr auto kSent =
    gauge("business_email_sent_messages", "Emails sent from nine to two days ago.", "source",
          "dataset", "campaign");
constexpr auto kDelivered = gauge("business_email_delivered_messages",
                                  "Emails sent from nine to two days ago that were delivered.",
                                  "source", "dataset", "campaign");
constexpr auto kBounced =
    gauge("business_email_bounced_messages", "Emails sent from nine to two days ago that bounced.",
          "source", "dataset", "campaign");
constexpr auto kOpened = gauge("business_email_opened_messages",
                               "Emails sent from nine to two days ago that were opened within two "
                               "days of their delivery, each counted once for each of: human, "
                               "machine (a mail program that prefetches images), unknown.",
                               "source", "dataset", "campaign", "by");
constexpr auto kClicked = gauge("business_email_clicked_messages",
                                "Emails sent from nine to two days ago with a link that was "
                                "followed within two days of their delivery.",
                                "source", "dataset", "campaign");
constexpr auto kComplained = gauge("business_email_complained_messages",
                                   "Emails sent from nine to two days ago that were reported as "
                                   "spam within two days of their delivery.",
                                   "source", "dataset", "campaign");
constexpr auto kUnsubscribed = gauge("business_email_unsubscribed_messages",
                                     "Emails sent from nine to two days ago whose recipient "
                                     "unsubscribed through them within two days of their delivery.",
                                     "source", "dataset", "campaign");
constexpr MetricView kMetrics[] = {kSent,    kDelivered,  kBounced,     kOpened,
                                   kClicked, kComplained, kUnsubscribed};

constexpr Need kNeeds[] = {{kEmailSends}, {kEmailEvents}, {kEmailEvents, "machine"}};

constexpr std::chrono::hours kMature(48);
constexpr std::chrono::days kWeek(7);

/// The emails of a campaign by event.
using Campaign = std::map<std::string, double, std::less<>>;

/// The sending time of emails that are old enough.
Period mature_period(Time now) { return {now - kMature - kWeek, now - kMature}; }

Query sent_query(const Period& period) {
  return {
      "SELECT s.campaign AS campaign, COUNT(DISTINCT s.message_id) AS sent, "
      "COUNT(DISTINCT CASE WHEN e.event = 'delivered' THEN s.message_id END) AS delivered, "
      "COUNT(DISTINCT CASE WHEN e.event = 'bounced' THEN s.message_id END) AS bounced "
      "FROM bm_email_sends s LEFT JOIN bm_email_events e ON e.message_id = s.message_id "
      "AND e.event IN ('delivered', 'bounced') "
      "WHERE s.sent_at >= :from AND s.sent_at < :until GROUP BY s.campaign",
      {{"from", period.begin}, {"until", period.end}}};
}

/// An email that was sent in one part of the period may be delivered in a later one; so parts are
/// of deliveries, and the last part includes those after the period.
Query reactions_query(const Period& period, const Within& within, bool has_machine) {
  const std::string opened =
      has_machine ? "CASE WHEN e.machine = 0 THEN 'human' WHEN e.machine IS NULL THEN 'unknown' "
                    "ELSE 'machine' END"
                  : "'unknown'";
  Query query{
      within.statement(
          "deliveries AS (SELECT s.campaign AS campaign, s.message_id AS message_id, "
          "MIN(e.occurred_at) AS begun FROM bm_email_sends s JOIN bm_email_events e "
          "ON e.message_id = s.message_id AND e.event = 'delivered' WHERE s.sent_at >= :from AND "
          "s.sent_at < :until GROUP BY s.campaign, s.message_id), reactions AS (SELECT d.campaign "
          "AS campaign, d.message_id AS message_id, CASE WHEN e.event = 'opened' THEN " +
              opened +
              " ELSE e.event END AS reaction, d.begun AS begun, e.occurred_at AS occurred_at FROM "
              "deliveries d JOIN bm_email_events e ON e.message_id = d.message_id AND e.event IN "
              "('opened', 'clicked', 'complained', 'unsubscribed')), firsts AS (SELECT campaign, "
              "reaction, begun, MIN(occurred_at) AS ended FROM reactions GROUP BY campaign, "
              "message_id, reaction, begun)",
          "firsts", "campaign, reaction"),
      {{"from", period.begin}, {"until", period.end}}};
  within.add_to(query.parameters);
  return query;
}

std::vector<Query> plan(const Business& business) {
  const auto period = mature_period(business.now());
  return {sent_query(period), reactions_query(period, Within(period, kMature), true)};
}

class Email {
 public:
  explicit Email(Business& business) : business_(business) {}

  void collect(Samples& samples, const Deadline& deadline) const {
    const auto found = business_.look(deadline);
    if (!found->has(kEmailSends) || !found->has(kEmailEvents)) return;
    const auto period = mature_period(business_.now());
    std::map<std::string, Campaign> campaigns;
    ask_sent(period, campaigns, deadline);
    ask_reactions(period, found->has(kEmailEvents, "machine"), campaigns, deadline);
    for (const auto& [name, campaign] : folded(campaigns)) add(samples, name, campaign);
  }

 private:
  void ask_sent(const Period& period, std::map<std::string, Campaign>& campaigns,
                const Deadline& deadline) const {
    const auto table = business_.ask(sent_query(period), deadline);
    for (const auto& row : rows_of(table)) {
      auto& campaign = campaigns[row.text("campaign")];
      for (const auto* what : {"sent", "delivered", "bounced"}) campaign[what] += row.number(what);
    }
  }

  void ask_reactions(const Period& period, bool has_machine,
                     std::map<std::string, Campaign>& campaigns, const Deadline& deadline) const {
    const Within within(period, kMature);
    const auto table = business_.ask(reactions_query(period, within, has_machine), deadline);
    for (const auto& row : rows_of(table)) {
      const auto count = within.count(row);
      auto& campaign = campaigns[row.text("campaign")];
      campaign[row.text("reaction")] += count.in_time ? count.pairs : 0;
    }
    // 0 for events that the source can report, so that a rate is 0 and not missing.
    for (auto& [name, campaign] : campaigns) campaign[has_machine ? "human" : "unknown"] += 0;
  }

  std::map<std::string, Campaign> folded(const std::map<std::string, Campaign>& campaigns) const {
    std::map<std::string, double> sizes;
    // Two queries may return two spellings of one campaign, if the database ignores case.
    for (const auto& [name, campaign] : campaigns) sizes[name] = emails(campaign, "sent");
    const Largest largest(sizes, business_.config().campaigns);
    std::map<std::string, Campaign> result;
    for (const auto& [name, campaign] : campaigns) {
      for (const auto& [what, count] : campaign) result[largest.shown(name)][what] += count;
    }
    return result;
  }

  static double emails(const Campaign& campaign, std::string_view what) {
    const auto found = campaign.find(what);
    return found == campaign.end() ? 0 : found->second;
  }

  void add(Samples& samples, const std::string& name, const Campaign& campaign) const {
    const auto& source = business_.name();
    const auto& dataset = business_.dataset();
    samples.add(kSent, emails(campaign, "sent"), source, dataset, name);
    samples.add(kDelivered, emails(campaign, "delivered"), source, dataset, name);
    samples.add(kBounced, emails(campaign, "bounced"), source, dataset, name);
    for (const auto* by : {"human", "machine", "unknown"}) {
      if (!campaign.contains(by)) continue;
      samples.add(kOpened, emails(campaign, by), source, dataset, name, by);
    }
    samples.add(kClicked, emails(campaign, "clicked"), source, dataset, name);
    samples.add(kComplained, emails(campaign, "complained"), source, dataset, name);
    samples.add(kUnsubscribed, emails(campaign, "unsubscribed"), source, dataset, name);
  }

  Business& business_;
};

}  // namespace

constinit const Group kEmailGroup{"business_email", Group::Pace::hourly, kMetrics, kNeeds, plan,
                                  make_group<Email>};

}  // namespace exporter::sql::business
