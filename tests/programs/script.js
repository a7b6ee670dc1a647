// What a JavaScript engine should print the same everywhere.
const primes = [];
for (let n = 2n; primes.length < 10; n++) {
    if (primes.every(p => n % p)) primes.push(n);
}
console.log(primes.join(" "), String(2n ** 200n));
console.log(JSON.stringify({ a: [1, 2.5, null], b: { c: "\u00e9\u{1f600}" } }));
console.log("2026-11-22 and 1999-12-31".replace(/(\d+)-(\d+)-(\d+)/g, "$3.$2.$1"));
function* fibonacci() {
    for (let [a, b] = [0, 1]; ; [a, b] = [b, a + b]) yield a;
}
const numbers = fibonacci();
console.log(Array.from({ length: 20 }, () => numbers.next().value).join(","));
class Shape {
    #sides;
    constructor(sides) { this.#sides = sides; }
    get name() { return ["", "", "", "triangle", "square"][this.#sides] ?? "polygon"; }
}
console.log([3, 4, 5].map(n => new Shape(n).name).join(" "));
console.log([5, 1, 10].sort().join(" "), [5, 1, 10].sort((a, b) => a - b).join(" "));
console.log((0.1 + 0.2).toFixed(20), (1e21).toString(), (255).toString(36), Math.hypot(3, 4));
const floats = new Float64Array([1.5, -2.25]);
console.log(Array.from(new Uint8Array(floats.buffer)).join(" "));
let sum = 0;
for (let i = 0; i < 300000; i++) sum = (sum * 31 + i) % 1000003;
console.log(sum);
try {
    null.property;
} catch (error) {
    console.log(error instanceof TypeError);
}
Promise.resolve(1).then(value => console.log("later", value));
console.log([..."aábc"].reverse().join(""), "ß".toUpperCase(), "abc".padStart(6, "-"));
