#!/usr/bin/env python3
"""Fit the polynomials of kernels/core/eg_math.h (Remez exchange, 60 digits); needs mpmath."""
# Fits: minimax-ish (Chebyshev-node least squares in high precision) polynomials
from mpmath import mp, mpf, log, sqrt, sin, cos, pi, exp, tanh, matrix, lu_solve, chop
import mpmath
mp.dps=60
def remez(f, w, a, b, n, iters=25):
    # minimax of (f - p)*w , p degree n, via Remez exchange on polynomial in x
    a=mpf(a); b=mpf(b)
    N=n+2
    xs=[(a+b)/2+(b-a)/2*mpmath.cos(pi*(N-1-i)/(N-1)) for i in range(N)]
    grid=[a+(b-a)*mpf(i)/3000 for i in range(3001)]
    fg=[f(x) for x in grid]; wg=[w(x) for x in grid]
    for it in range(iters):
        A=matrix(N,N); y=matrix(N,1)
        for i,x in enumerate(xs):
            for j in range(n+1): A[i,j]=x**j
            A[i,N-1]=(-1)**i/w(x)
            y[i]=f(x)
        c=lu_solve(A,y)
        co=[c[j] for j in range(n+1)]
        e=[(fg[i]-mpmath.polyval(co[::-1],grid[i]))*wg[i] for i in range(len(grid))]
        # find extrema by sign segments
        ext=[];cur=0
        for i in range(1,len(grid)):
            if (e[i]>0)!=(e[cur]>0):
                ext.append(cur);cur=i
            elif abs(e[i])>abs(e[cur]): cur=i
        ext.append(cur)
        if len(ext)<N: break
        # keep N best consecutive
        while len(ext)>N:
            if abs(e[ext[0]])<abs(e[ext[-1]]): ext.pop(0)
            else: ext.pop()
        xs=[grid[i] for i in ext]
    return co, max(abs(v) for v in e)
def show(name,co,err,fmt):
    print(name,mpmath.nstr(err,3)); print('  ',', '.join(fmt(c) for c in co))
f32=lambda c:'%.9ef'%float(c); 
f64=lambda c:float(c).hex()
s=sqrt(mpf(1)/2)
for deg in (6,7):
    g=lambda x: mpf(-2)*log(1+x)/x if x!=0 else mpf(-2)
    co,err=remez(g,lambda x:1/g(x),s-1,2*s-1,deg)
    show('-2log1p(f)/f deg %d rel'%deg,co,err,f32)
# sin(pi/2 y)/y in y^2, cos(pi/2 y) in y^2, y in [-.5,.5]
S=lambda u: sin(pi/2*sqrt(u))/sqrt(u) if u!=0 else pi/2
C=lambda u: cos(pi/2*sqrt(u))
co,err=remez(S,lambda u:1/S(u),0,mpf(1)/4,3); show('sin f32',co,err,f32)
co,err=remez(C,lambda u:1/C(u),0,mpf(1)/4,3); show('cos f32 deg3',co,err,f32)
co,err=remez(C,lambda u:1/C(u),0,mpf(1)/4,4); show('cos f32 deg4',co,err,f32)
# double
# log: log(m) = 2s + s*z*L(z), s=f/(2+f), z=s^2 ; L(z) = (atanh*2/s - 2)/z
smax=(sqrt(mpf(2))-1)/(sqrt(mpf(2))+1)
def L(z):
    if z<mpf(10)**-20: return mpf(2)/3+mpf(2)/5*z
    q=sqrt(z); return (2*mpmath.atanh(q)/q-2)/z
co,err=remez(L,lambda z:1/L(z)*z,0,smax**2,6) if False else remez(L,lambda z:1/L(z),0,smax**2,6); show('log f64',co,err,f64)
# exp: exp(r)=1+r+r^2*E(r), |r|<=ln2/2
l2=log(mpf(2))/2*mpf('1.0001')
def E(r):
    if abs(r)<mpf(10)**-15: return mpf(1)/2+r/6+r*r/24
    return (exp(r)-1-r)/r**2
co,err=remez(E,lambda r:1/E(r),-l2,l2,9); show('exp f64 deg 9',co,err,f64)
co,err=remez(E,lambda r:1/E(r),-l2,l2,10); show('exp f64 deg 10',co,err,f64)
# sinpi(r) = r*(pi + ...) r in [-1/4,1/4]: sin(pi r)/r in r^2
Sp=lambda u: sin(pi*sqrt(u))/sqrt(u) if u!=0 else pi
Cp=lambda u: cos(pi*sqrt(u))
def Sq(u): # (sin(pi r)/r - pi)/r^2
    if u<mpf(10)**-20: return -pi**3/6+pi**5/120*u
    return (sin(pi*sqrt(u))/sqrt(u)-pi)/u
def Cq(u): # (cos(pi r)-1)/r^2
    if u<mpf(10)**-20: return -pi**2/2+pi**4/24*u
    return (cos(pi*sqrt(u))-1)/u
co,err=remez(Sq,lambda u:1/Sq(u),0,mpf(1)/16,6); show('sinpi f64',co,err,f64)
co,err=remez(Cq,lambda u:1/Cq(u),0,mpf(1)/16,6); show('cospi f64',co,err,f64)
# tanh small: tanh(x) = x + x*z*T(z), z=x^2, |x|<0.55
def T(z):
    if z<mpf(10)**-20: return -mpf(1)/3+mpf(2)/15*z
    q=sqrt(z); return (tanh(q)/q-1)/z
for d in (8,9,10):
    co,err=remez(T,lambda z:1/T(z),0,mpf('0.5501')**2,d); show('tanh f64 deg %d'%d,co,err,f64)
print('ln2', float(log(mpf(2))).hex()); 
ln2=log(mpf(2)); hi=mpf(int(mpmath.floor(ln2*2**42)))/2**42; print('hi',float(hi).hex(),'lo',float(ln2-hi).hex())
print('pi hi', float(pi).hex(), 'lo', float(pi-mpf(float(pi))).hex())
print('-2ln2', '%.9e'%float(-2*ln2))
