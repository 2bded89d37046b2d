#include "bfd_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#include <algorithm>
#include <ctime>

namespace semrd {

namespace {

// Above every thread of normal priority, below the kernel's own interrupt threads (50).
constexpr int kRealtimePriority = 10;
// What a thread of normal priority can promise on a busy machine.
constexpr uint32_t kSafeInterval = 300'000;
constexpr uint8_t kSafeMultiplier = 3;
// Packets read from a listener in one turn, and the rest after more: a flood must not have the processor.
constexpr int kPacketsPerTurn = 64;
constexpr uint64_t kRest = 1'000;
// An alarm that comes later than this says that the thread was kept from running. Microseconds.
constexpr uint64_t kStall = 5'000;

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000;
}

template <typename Number>
Number Unpredictable() {
  Number number;
  if (getrandom(&number, sizeof(number), 0) != sizeof(number)) ThrowErrno("getrandom", "BFD");
  return number;
}

void Count(BfdCounters& counters, BfdDiscard reason) { counters.discarded[static_cast<size_t>(reason)]++; }

void Watch(int poll, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  // A listener that sessions share is there already.
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST) ThrowErrno("epoll_ctl", "BFD");
}

}  // namespace

BfdLoop::BfdLoop(bool realtime, size_t event_bound, int wake_fd)
    : events_(event_bound), jitter_(Unpredictable<uint64_t>()), wake_(wake_fd) {
  stop_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  poll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (!stop_ || alarms_.fd() < 0 || !poll_) ThrowErrno("epoll_create1", "BFD");
  diagnosis_ = OpenTcpDiagnosis();  // without it, connections count as alive
  semrd::Watch(poll_.get(), stop_.get());
  semrd::Watch(poll_.get(), alarms_.fd());
  thread_ = std::thread(&BfdLoop::Run, this);
  pthread_setname_np(thread_.native_handle(), "semrd-bfd");
  sched_param priority = {};
  priority.sched_priority = kRealtimePriority;
  scheduling_error_ = realtime ? pthread_setschedparam(thread_.native_handle(), SCHED_FIFO, &priority) : kNotAsked;
}

BfdLoop::~BfdLoop() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
  for (auto& [number, session] : sessions_) {
    session->machine.SetAdminDown(true);
    session->Send(false);
  }
}

BfdTimes BfdLoop::Permitted(const BfdTimes& times) const {
  if (scheduling_error_ == 0) return times;
  return {std::max(times.desired_min_tx, kSafeInterval), std::max(times.required_min_rx, kSafeInterval),
          std::max(times.detect_multiplier, kSafeMultiplier)};
}

uint32_t BfdLoop::Add(const BfdSessionOptions& options) {
  std::lock_guard lock(mutex_);
  uint32_t discriminator;
  do discriminator = Unpredictable<uint32_t>();
  while (discriminator == 0 || sessions_.contains(discriminator));
  for (const auto& [number, other] : sessions_)
    if (SameHost(other->options.remote, options.remote) && SameHost(other->options.local, options.local) &&
        other->options.multihop == options.multihop)
      throw SystemCallFailure(EEXIST, "bfd", "there is a session between these addresses");
  auto listener = listeners_.At(options.local);
  auto session = std::make_unique<BfdEnd>(
      BfdEnd{.machine = BfdMachine(discriminator, Permitted(options.times)),
             .options = options,
             .listener = listener,
             .sender = OpenBfdSender(options.local)});
  semrd::Watch(poll_.get(), listener->fd());
  BfdEnd& added = *session;
  sessions_.emplace(discriminator, std::move(session));
  added.transmit_at = Now();
  Enqueue(added, 0);
  alarms_.Arm();
  return discriminator;
}

void BfdLoop::Remove(uint32_t number) {
  std::lock_guard lock(mutex_);
  BfdEnd* session = At(number);
  if (session == nullptr) return;
  session->machine.SetAdminDown(true);
  session->Send(false);
  sessions_.erase(number);  // closes the listener with its last session
}

bool BfdLoop::SetTimes(uint32_t number, const BfdTimes& times) {
  std::lock_guard lock(mutex_);
  BfdEnd* session = At(number);
  if (session == nullptr) return false;
  uint64_t now = Now();
  Perform(*session, now, [&](BfdMachine& machine) {
    machine.SetTimes(Permitted(times));
    return BfdReaction{.send = true};  // the Poll begins now, not a slow interval later
  });
  alarms_.Arm();
  return true;
}

bool BfdLoop::SetAdminDown(uint32_t number, bool down) {
  std::lock_guard lock(mutex_);
  BfdEnd* session = At(number);
  if (session == nullptr) return false;
  Perform(*session, Now(), [&](BfdMachine& machine) { return machine.SetAdminDown(down); });
  alarms_.Arm();
  return true;
}

bool BfdLoop::Bind(uint32_t number, std::optional<BfdBinding> binding) {
  std::lock_guard lock(mutex_);
  BfdEnd* session = At(number);
  if (session != nullptr) session->binding = std::move(binding);
  return session != nullptr;
}

bool BfdLoop::Watch(uint32_t number, std::optional<TcpConnection> connection) {
  std::lock_guard lock(mutex_);
  BfdEnd* session = At(number);
  if (session != nullptr) session->watched = connection;
  return session != nullptr;
}

std::optional<BfdStatus> BfdLoop::StatusOf(uint32_t number) {
  std::lock_guard lock(mutex_);
  BfdEnd* session = At(number);
  if (session == nullptr) return std::nullopt;
  return session->Status();
}

bool BfdLoop::PopEvent(BfdEvent& event) {
  std::lock_guard lock(mutex_);
  return events_.Pop(event);
}

uint64_t BfdLoop::dropped_events() {
  std::lock_guard lock(mutex_);
  return events_.dropped();
}

BfdCounters BfdLoop::counters() {
  std::lock_guard lock(mutex_);
  return strays_;
}

BfdEnd* BfdLoop::At(uint32_t number) {
  auto found = sessions_.find(number);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void BfdLoop::Run() {
  for (;;) {
    std::array<epoll_event, 16> ready;
    int count;
    if (resting_) {
      // The sockets stay as they are; only the end is waited for, for the length of the rest.
      timespec rest = {0, static_cast<long>(kRest) * 1'000};
      clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, nullptr);
      count = epoll_wait(poll_.get(), ready.data(), static_cast<int>(ready.size()), 0);
    } else {
      count = epoll_wait(poll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
    }
    for (int i = 0; i < count; i++)
      if (ready[i].data.fd == stop_.get()) return;
    std::lock_guard lock(mutex_);
    alarms_.Acknowledge();
    // Packets before timers: what waited in a socket while this thread did not run has been received in time.
    ReadAll();
    uint64_t now = Now();
    AllowForStall(now);
    RunAlarms(now);
    alarms_.Arm();
  }
}

// A host that was suspended, or a processor that was taken away, has not heard the peer because it did not listen.
void BfdLoop::AllowForStall(uint64_t now) {
  uint64_t due = alarms_.Earliest();
  if (due > now || now - due < kStall) return;
  uint64_t stall = now - due;
  for (auto& [number, session] : sessions_) {
    session->counters.stalls++;
    session->machine.Postpone(stall);
  }
}

void BfdLoop::ReadAll() {
  resting_ = false;
  BfdDatagram datagram;
  listeners_.ForEach([&](const BfdListener& listener) {
    int count = 0;
    while (count < kPacketsPerTurn && listener.Receive(datagram)) {
      Take(datagram, listener, Now());
      count++;
    }
    if (count == kPacketsPerTurn) resting_ = true;
  });
}

void BfdLoop::Take(const BfdDatagram& datagram, const BfdListener& listener, uint64_t now) {
  auto decoded = DecodeBfd({datagram.octets.data(), datagram.length});
  if (auto* reason = std::get_if<BfdDiscard>(&decoded)) return Count(strays_, *reason);
  const auto& [packet, authenticated] = std::get<BfdReceived>(decoded);
  BfdDiscard reason = BfdDiscard::kYourDiscriminator;
  BfdEnd* session = Find(packet, datagram, listener, reason);
  if (session == nullptr) return Count(strays_, reason);
  // @see RFC 5881 §5 (exactly 255) and RFC 5883 §5
  if (datagram.ttl < session->options.minimum_ttl) return Count(session->counters, BfdDiscard::kTtl);
  if (authenticated) return Count(session->counters, BfdDiscard::kAuthentication);
  if (session->machine.state() == BfdState::kAdminDown) Count(session->counters, BfdDiscard::kAdminDown);
  else session->counters.received++;
  Perform(*session, now, [&](BfdMachine& machine) { return machine.Receive(packet, now); });
}

// @see RFC 5880 §6.8.6 ("If the Your Discriminator field …"), RFC 5881 §3, RFC 5883 §3
BfdEnd* BfdLoop::Find(const BfdPacket& packet, const BfdDatagram& datagram, const BfdListener& listener,
                      BfdDiscard& reason) {
  if (packet.your_discriminator != 0) {
    BfdEnd* session = At(packet.your_discriminator);
    if (session == nullptr) return nullptr;
    reason = BfdDiscard::kSource;
    return session->Hears(listener, datagram.source) ? session : nullptr;
  }
  reason = BfdDiscard::kState;
  if (packet.state != BfdState::kDown && packet.state != BfdState::kAdminDown) return nullptr;
  reason = BfdDiscard::kSource;
  for (const auto& [number, session] : sessions_)
    if (session->Hears(listener, datagram.source)) return session.get();
  return nullptr;
}

void BfdLoop::RunAlarms(uint64_t now) {
  while (auto alarm = alarms_.TakeDue(now)) {
    BfdEnd* session = At(alarm->session);
    if (session == nullptr || session->queued != alarm->at) continue;
    session->queued = UINT64_MAX;
    auto deadline = session->machine.detection_deadline();
    // What still waits in a socket may have come in time; that is believed once.
    uint64_t patience = resting_ ? session->machine.DetectionTime() : 0;
    if (deadline && *deadline + patience <= now)
      Perform(*session, now, [](BfdMachine& machine) { return machine.DetectionTimeExpired(); });
    session->TransmitDue(now, jitter_);
    Enqueue(*session, now + 1);
  }
}

// One step of a session's machine, and all that follows from it.
template <typename Step>
void BfdLoop::Perform(BfdEnd& session, uint64_t now, Step step) {
  BfdState before = session.machine.state();
  BfdReaction reaction = step(session.machine);
  if (session.machine.state() != before) {
    events_.Push(session.Changed(before, now, diagnosis_.get()));
    eventfd_write(wake_, 1);
  }
  if (reaction.final) session.Send(true);
  if (reaction.send) {
    session.Send(false);
    session.transmit_at.reset();
  }
  session.Schedule(now, jitter_);
  Enqueue(session, 0);
}

void BfdLoop::Enqueue(BfdEnd& session, uint64_t earliest) {
  uint64_t next = std::max(session.NextAlarm(), earliest);
  // An entry that is too early only leads to another look; one that is missing would be a timer that never fires.
  if (next >= session.queued) return;
  session.queued = next;
  alarms_.Add({next, session.machine.discriminator()});
}

}  // namespace semrd
