# A client or an agent of the test of tenant policies: UDP over IPv6, one line of JSON a result.
import json, select, socket, sys, time

what = sys.argv[1]

if what == "serve":  # PORT: answers with the traffic class that came
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    server.bind(("::", int(sys.argv[2])))
    print("ready", flush=True)
    while True:
        data, ancillary, _, sender = server.recvmsg(2048, 256)
        traffic_class = next(int.from_bytes(v, sys.byteorder) for _, t, v in ancillary if t == socket.IPV6_TCLASS)
        server.sendto(b"%d" % traffic_class, sender)

source, destination, port = sys.argv[2], sys.argv[3], int(sys.argv[4])
client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
client.bind((source, 0))
client.connect((destination, port))

IPV6_RECVERR = 25  # linux/in6.h: also what is no reason to give up

if what == "ask":  # one question: its answer, or what the network said instead
    client.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    client.settimeout(float(sys.argv[5]))
    client.send(b"x")
    try:
        print(json.dumps({"answer": client.recv(100).decode()}))
    except socket.timeout:
        print(json.dumps({"error": "timeout"}))
    except OSError as cause:
        print(json.dumps({"error": cause.strerror}))

if what == "flood":  # SECONDS PER_SECOND [SECONDS FOR THE LAST ANSWERS]: when each was sent, and how many were answered; ends before where its input does
    seconds, rate, patience = float(sys.argv[5]), float(sys.argv[6]), float((sys.argv + ["0.5"])[7])
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    times = []
    answered = 0
    begin = time.monotonic()

    def drain():
        count = 0
        while True:
            try:
                client.recv(100)
                count += 1
            except OSError:
                return count

    while time.monotonic() - begin < seconds and not select.select([sys.stdin], [], [], 0)[0]:
        due = int((time.monotonic() - begin) * rate) + 1
        while len(times) < due:
            now = time.monotonic()
            try:
                client.send(b"x")
            except BlockingIOError:
                break
            times.append(now)
        answered += drain()
        time.sleep(0.001)
    deadline = time.monotonic() + patience
    while answered < len(times) and time.monotonic() < deadline:
        answered += drain()
        time.sleep(0.01)
    print(json.dumps({"sent": len(times), "answered": answered, "times": times}))
