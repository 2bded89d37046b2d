"""
client HOST TCP-PORT HOST UDP-PORT WHO: talks until its input ends, a line says how far it is, its end what came of it, as JSON.
WHO: "all", or "known" without anything that begins later. agent TCP-PORT UDP-PORT: answers.
"""
import json, select, socket, sys, threading, time

FLOWS, CONNECTIONS, EVERY, LAST = 64, 8, 0.001, 5.0


def agent(tcp_port, udp_port):
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    datagrams.bind(("::", udp_port))
    listener = socket.create_server(("::", tcp_port), family=socket.AF_INET6, backlog=512)

    def answer(connection):
        with connection:
            try:
                while octets := connection.recv(2048):
                    connection.sendall(octets)
            except ConnectionError:
                pass  # the client says so

    def accept():
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print("ready", flush=True)
    while True:
        octets, who = datagrams.recvfrom(2048)
        datagrams.sendto(octets, who)


class Count:
    def __init__(self):
        self.sent = self.came = self.rounds = self.begun = 0
        self.broken = []


def client(tcp_host, tcp_port, udp_host, udp_port, begins):
    count, ended = Count(), threading.Event()
    poll = select.epoll()
    flows = {}

    def flow():
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)
        s.connect((udp_host, udp_port))
        flows[s.fileno()] = s
        poll.register(s, select.EPOLLIN)
        return s

    def send():
        senders = [flow() for _ in range(FLOWS)]
        while not ended.is_set():
            for _ in range(4):
                if begins and count.sent % 50 == 0:
                    senders[count.sent // 50 % FLOWS] = flow()  # a new one in its place; the old one still gets its answers
                senders[count.sent % FLOWS].send(b"%d" % count.sent)
                count.sent += 1
            time.sleep(EVERY)

    def receive():
        until = None
        while until is None or (count.came < count.sent and time.monotonic() < until):
            if until is None and ended.is_set() and not sender.is_alive():
                until = time.monotonic() + LAST
            for number, _ in poll.poll(0.02, 256):
                try:
                    flows[number].recv(2048)
                    count.came += 1
                except OSError as error:
                    count.broken.append("datagram: %s" % error)

    def converse(rounds=None):
        try:
            with socket.create_connection((tcp_host, tcp_port), 20) as s:
                while not ended.is_set() and (rounds is None or rounds > 0):
                    s.sendall(b"x" * 100)
                    left = 100
                    while left > 0:
                        octets = s.recv(left)
                        if not octets:
                            raise OSError("closed")
                        left -= len(octets)
                    count.rounds += 1
                    rounds = rounds and rounds - 1
                    time.sleep(EVERY)
        except OSError as error:
            count.broken.append("connection: %s" % error)

    def begin():
        while not ended.is_set():
            converse(3)
            count.begun += 1

    sender = threading.Thread(target=send)
    threads = [sender, threading.Thread(target=receive)]
    threads += [threading.Thread(target=begin)] if begins else []
    threads += [threading.Thread(target=converse) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    say = lambda: print(json.dumps(vars(count)), flush=True)
    for _ in sys.stdin:
        say()
    ended.set()
    for thread in threads:
        thread.join()
    say()


if sys.argv[1] == "agent":
    agent(int(sys.argv[2]), int(sys.argv[3]))
else:
    client(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), sys.argv[6] == "all")
