#include "path_watch.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

namespace semrd {

namespace {

constexpr int kRealtimePriority = 10;  // as BFD
constexpr int kNetworkControl = 0xc0;  // CS6
// Ways that were lost are looked at so often: a route may come back without a link's event. Microseconds.
constexpr uint64_t kLookAgain = 1'000'000;
// Paths that are replaced over and over are all looked at no more often than this. Microseconds.
constexpr uint64_t kLookAtBound = 20'000;
// Ways that were lost are looked at no more often than that, however many routes change meanwhile.
constexpr uint64_t kRest = 10'000;
constexpr size_t kEventsAtOnce = 65'536;

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000;
}

// What the pass reads (dataplane/heartbeat.h): magic, version, 0, hold in milliseconds, in network order; the rest is 0.
std::array<uint8_t, 24> EncodeBeat(uint32_t hold) {
  return {0x53, 0x45, 0x4d, 0x52, 1, 0, static_cast<uint8_t>(hold >> 8), static_cast<uint8_t>(hold)};
}

// Empty where the kernel gives none.
Descriptor OpenEvents(uint32_t groups) {
  Descriptor opened(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl group = {};
  group.nl_family = AF_NETLINK;
  group.nl_groups = groups;
  if (opened && bind(opened.get(), reinterpret_cast<sockaddr*>(&group), sizeof(group)) != 0) opened.Close();
  return opened;
}

bool Watch(int poll, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// What events say does not matter: where the routes lead now is asked of the kernel.
void Drain(int events) {
  uint8_t message[8192];
  while (recv(events, message, sizeof(message), 0) > 0 || errno == ENOBUFS) {
  }
}

struct Question {
  nlmsghdr header;
  rtmsg route;
  rtattr attribute;
  uint8_t destination[16];
};

// The interface that the kernel would send by; nothing where it has no route.
std::optional<int> InterfaceTowards(int routes, const in6_addr& to) {
  uint8_t answer[4096];
  while (recv(routes, answer, sizeof(answer), 0) > 0) {
  }  // left over from a question before
  Question question = {};
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = RTM_GETROUTE;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.route.rtm_family = AF_INET6;
  question.route.rtm_dst_len = 128;
  question.attribute.rta_type = RTA_DST;
  question.attribute.rta_len = RTA_LENGTH(sizeof(question.destination));
  std::memcpy(question.destination, &to, sizeof(question.destination));
  if (send(routes, &question, sizeof(question), 0) != sizeof(question)) return -1;
  ssize_t length = recv(routes, answer, sizeof(answer), 0);  // the kernel answers inside send
  auto header = reinterpret_cast<const nlmsghdr*>(answer);
  if (length < 0 || !NLMSG_OK(header, static_cast<size_t>(length))) return -1;
  if (header->nlmsg_type != RTM_NEWROUTE) return std::nullopt;
  auto route = static_cast<const rtmsg*>(NLMSG_DATA(header));
  if (route->rtm_type != RTN_UNICAST && route->rtm_type != RTN_LOCAL) return std::nullopt;
  int left = static_cast<int>(RTM_PAYLOAD(header));
  for (auto part = RTM_RTA(route); RTA_OK(part, left); part = RTA_NEXT(part, left))
    if (part->rta_type == RTA_OIF) return *static_cast<const int*>(RTA_DATA(part));
  return std::nullopt;
}

bool HasCarrier(int asking, int index) {
  ifreq request = {};
  request.ifr_ifindex = index;
  if (ioctl(asking, SIOCGIFNAME, &request) != 0 || ioctl(asking, SIOCGIFFLAGS, &request) != 0) return false;
  return (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

}  // namespace

MappedArray::MappedArray(int map, size_t octets) : octets_(octets) {
  // Populated: the first store is made by a real-time thread.
  void* start = mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, map, 0);
  if (start == MAP_FAILED) ThrowErrno("mmap", "an array of " + std::to_string(octets) + " octets");
  start_ = static_cast<uint8_t*>(start);
}

MappedArray::~MappedArray() { munmap(start_, octets_); }

PathWatch::PathWatch(bool realtime, int wake_fd) : wake_(wake_fd) {
  stop_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  poll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  bound_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  timer_ = Descriptor(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  links_ = OpenEvents(RTMGRP_LINK);
  if (!links_) ThrowErrno("bind", "link events");
  routes_ = Descriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  asking_ = OpenSocket(AF_INET, SOCK_DGRAM, 0, "");
  if (!stop_ || !poll_ || !timer_ || !bound_ || !routes_) ThrowErrno("epoll_create1", "paths");
  for (int fd : {stop_.get(), timer_.get(), bound_.get(), links_.get()})
    if (!Watch(poll_.get(), fd)) ThrowErrno("epoll_ctl", "paths");
  Arm();
  thread_ = std::thread(&PathWatch::Run, this);
  pthread_setname_np(thread_.native_handle(), "semrd-paths");
  sched_param priority = {};
  priority.sched_priority = kRealtimePriority;
  scheduling_error_ = realtime ? pthread_setschedparam(thread_.native_handle(), SCHED_FIFO, &priority) : kNotAsked;
}

PathWatch::~PathWatch() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void PathWatch::Beat(std::optional<BeatOptions> options) {
  Descriptor sender;
  if (options) {
    sender = OpenSocket(AF_INET6, SOCK_DGRAM, 0, "");
    SetSocketOption(sender.get(), IPPROTO_IPV6, IPV6_TCLASS, kNetworkControl, "IPV6_TCLASS");
    if (bind(sender.get(), options->from.get(), options->from.length) != 0) ThrowErrno("bind", "heartbeats");
  }
  std::lock_guard lock(mutex_);
  beat_ = std::move(options);
  std::swap(sender_, sender);
  Arm();
}

void PathWatch::Bind(std::optional<PathWords> words) {
  std::lock_guard lock(mutex_);
  words_ = std::move(words);
  LookAtAll(true);
  bound_anew_ = true;
  eventfd_write(bound_.get(), 1);
}

void PathWatch::Judge(bool here) {
  std::lock_guard lock(mutex_);
  judges_ = here;
}

bool PathWatch::PopEvent(PathEvent& event) {
  std::lock_guard lock(mutex_);
  if (events_.empty()) return false;
  event = events_.front();
  events_.pop_front();
  return true;
}

BeatCounters PathWatch::counters() {
  std::lock_guard lock(mutex_);
  return counters_;
}

void PathWatch::Run() {
  // Whoever else sets `look_again_` writes `bound_` behind it
  for (bool again = false;;) {
    std::array<epoll_event, 4> ready;
    int rest = again ? static_cast<int>(kRest / 1000) : -1;
    int count = epoll_wait(poll_.get(), ready.data(), static_cast<int>(ready.size()), rest);
    for (int i = 0; i < count; i++)
      if (ready[i].data.fd == stop_.get()) return;
    std::lock_guard lock(mutex_);
    for (int i = 0; i < count; i++) {
      if (ready[i].data.fd == timer_.get()) Tick();
      if (ready[i].data.fd == bound_.get()) LookAtBound();
      if (ready[i].data.fd == links_.get()) {
        Drain(links_.get());
        LookAtAll(false);
      }
      if (changes_ && ready[i].data.fd == changes_.get()) {
        Drain(changes_.get());
        look_again_ = true;
      }
    }
    if (look_again_ && Now() - looked_ >= kRest) LookAtAll(true);
    again = look_again_;
  }
}

void PathWatch::Tick() {
  uint64_t expirations;
  [[maybe_unused]] ssize_t unused = read(timer_.get(), &expirations, sizeof(expirations));
  uint64_t now = Now();
  if (beat_) {
    uint64_t late = now > due_ ? now - due_ : 0;
    counters_.latest = std::max(counters_.latest, late);
    if (late > beat_->interval / 2) counters_.late++;
    SendBeats();
  }
  if (words_ && judges_)
    for (const WatchedPath& path : words_->paths) __atomic_store_n(words_->array->At(path.silent_after), 0, __ATOMIC_RELAXED);
  if (now - looked_ >= kLookAgain) LookAtAll(true);
  LookAtBound();
  due_ = now + (beat_ ? beat_->interval : kLookAgain);
}

void PathWatch::SendBeats() {
  auto octets = EncodeBeat(beat_->hold);
  for (const SocketAddress& to : beat_->to) {
    ssize_t sent = sendto(sender_.get(), octets.data(), octets.size(), 0, to.get(), to.length);
    if (sent == static_cast<ssize_t>(octets.size())) counters_.sent++;
    else counters_.send_errors++;
  }
}

// Paths that were bound a moment ago are left to the next tick.
void PathWatch::LookAtBound() {
  eventfd_t unused;
  eventfd_read(bound_.get(), &unused);
  if (!bound_anew_ || Now() - all_looked_ < kLookAtBound) return;
  LookAtAll(false);
}

void PathWatch::LookAtAll(bool only_lost) {
  looked_ = Now();
  look_again_ = false;
  if (!only_lost) {
    all_looked_ = looked_;
    bound_anew_ = false;
  }
  bool any = false;
  if (words_)
    for (const WatchedPath& path : words_->paths) {
      if (!only_lost || WasLost(path)) Look(path);
      any |= WasLost(path);
    }
  FollowRoutes(any);
}

// Routes change all the time in a router of the Internet: they are followed only while a way is lost.
void PathWatch::FollowRoutes(bool follow) {
  if (follow == static_cast<bool>(changes_)) return;
  changes_.Close();  // leaves the set of those that are waited for
  if (!follow) return;
  changes_ = OpenEvents(RTMGRP_IPV6_ROUTE);
  if (changes_ && !Watch(poll_.get(), changes_.get())) changes_.Close();
  look_again_ = true;  // one may have come before the first event
}

bool PathWatch::WasLost(const WatchedPath& path) {
  // Whoever was killed between the two stores has written but the first
  return __atomic_load_n(words_->array->At(path.lost), __ATOMIC_RELAXED) != 0 ||
         __atomic_load_n(words_->array->At(path.state), __ATOMIC_RELAXED) == words_->no_way;
}

bool PathWatch::IsLost(const SocketAddress& to) {
  auto v6 = reinterpret_cast<const sockaddr_in6*>(&to.storage);
  auto interface = InterfaceTowards(routes_.get(), v6->sin6_addr);
  if (!interface) return true;
  return *interface > 0 && !HasCarrier(asking_.get(), *interface);
}

void PathWatch::Look(const WatchedPath& path) {
  uint32_t* word = words_->array->At(path.lost);
  bool lost = IsLost(path.to);
  if (lost == WasLost(path)) return;
  // Only from up, and only back from what nobody else writes: a way that drains, or that BFD has taken for broken before or
  // since, stays what it is.
  uint32_t from = lost ? words_->up : words_->no_way;
  bool stored = __atomic_compare_exchange_n(words_->array->At(path.state), &from, lost ? words_->no_way : words_->up, false,
                                            __ATOMIC_RELEASE, __ATOMIC_RELAXED);
  if (lost && !stored) return;
  __atomic_store_n(word, lost ? 1 : 0, __ATOMIC_RELEASE);
  if (events_.size() >= kEventsAtOnce) return;  // as many as there can be words: they are read far sooner
  events_.push_back({path.to, lost, stored, Now()});
  eventfd_write(wake_, 1);
}

void PathWatch::Arm() {
  uint64_t period = beat_ ? beat_->interval : kLookAgain;
  due_ = Now() + period;
  timespec every = {static_cast<time_t>(period / 1'000'000), static_cast<long>(period % 1'000'000 * 1'000)};
  itimerspec when = {every, every};
  timerfd_settime(timer_.get(), 0, &when, nullptr);
}

}  // namespace semrd
